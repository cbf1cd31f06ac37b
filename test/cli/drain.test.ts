import { connect } from 'supernode/client';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkSuccessors } from '../../core/cli/drain-flags.ts';
import { Sandbox } from './run-cli.ts';

let sandbox: Sandbox;
beforeEach(async () => {
  sandbox = await Sandbox.create();
});
afterEach(() => sandbox.remove());

describe('supernode drain', () => {
  it('sends the peers to the successor, waits for it, and ends the relay with 0', async () => {
    const [relay, successor] = [await sandbox.relay(), await sandbox.relay()];
    const peer = await connect(relay.url, { reconnect: { baseMs: 5, capMs: 50 } });
    const back = new Promise((resolve) => peer.addEventListener('reconnected', resolve));
    const drain = sandbox.run([
      'drain',
      '--url',
      relay.url,
      '--spread',
      '0',
      '--successor',
      successor.url,
      '--json',
    ]);
    expect(await drain.end()).toEqual({ code: 0, signal: null });
    expect(JSON.parse(drain.text)).toMatchObject({
      graceMs: 0,
      spreadMs: 0,
      successors: [successor.url],
      sessions: 1,
      left: 0,
    });
    await back;
    expect(peer.url).toBe(successor.url);
    expect(await relay.run.end()).toEqual({ code: 0, signal: null });
    expect(relay.run.stderr).toContain('sending 1 peer away');
    await peer.close();
  });

  it('does not wait with --no-wait; a signal ends a relay that drains at once', async () => {
    const relay = await sandbox.relay();
    const peer = await connect(relay.url, { reconnect: false });
    await connect(relay.url, { reconnect: false, onchannel: () => {} }).then((other) => peer.open(other.id));
    const drain = sandbox.run(['drain', '--url', relay.url, '--grace', '3600', '--no-wait']);
    expect(await drain.end()).toEqual({ code: 0, signal: null });
    expect(drain.stderr).toContain('2 peers to send away');
    await relay.run.stderrMatch(/(a signal ends at once)/);
    relay.run.child.kill('SIGTERM');
    expect(await relay.run.end()).toEqual({ code: 130, signal: null });
    await peer.close();
  });

  it('names the flag of a successor that clients of a relay with TLS would not follow', () => {
    expect(() => checkSuccessors(['ws://b:1'], 'wss://a:1')).toThrow('--successor must have wss: URLs');
    expect(() => checkSuccessors(['wss://b:1'], 'wss://a:1')).not.toThrow();
  });

  it.each([
    [['--grace', 'soon'], /--grace must be a whole number/],
    [['--successor', 'http://b'], /ws:\/\/host:port/],
    [['--successor', 'ws://a,,ws://b'], /separated by commas/],
  ])('refuses %j with a sentence and 2', async (flags, says) => {
    const relay = await sandbox.relay();
    const drain = sandbox.run(['drain', '--url', relay.url, ...flags]);
    expect(await drain.end()).toEqual({ code: 2, signal: null });
    expect(drain.stderr).toMatch(says);
  });

  it('is what SIGTERM does to start, with the settings of its flags; wrong ones are told at the start', async () => {
    const successor = await sandbox.relay();
    const relay = await sandbox.relay(['--drain-spread', '0', '--successor', successor.url]);
    const peer = await connect(relay.url, { reconnect: { baseMs: 5, capMs: 50 } });
    const back = new Promise((resolve) => peer.addEventListener('reconnected', resolve));
    relay.run.child.kill('SIGTERM');
    await back;
    expect(peer.url).toBe(successor.url);
    expect(await relay.run.end()).toEqual({ code: 0, signal: null });
    await peer.close();
    const wrong = sandbox.run(['start', '--port', '0', '--successor', 'b.example']);
    expect(await wrong.end()).toEqual({ code: 2, signal: null });
    expect(wrong.stderr).toContain('ws://host:port');
  });
});
