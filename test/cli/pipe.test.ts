import { createHash, randomBytes } from 'node:crypto';
import { closeSync, openSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { connect, generateIdentity } from 'supernode/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Run, type RunningRelay, type RunOptions, Sandbox } from './run-cli.ts';

const DONE = { code: 0, signal: null };
const MiB = 1024 * 1024;

let sandbox: Sandbox;
let relay: RunningRelay;
beforeAll(async () => {
  sandbox = await Sandbox.create();
  relay = await sandbox.relay(['--shards', '2']);
});
afterAll(() => sandbox.remove());

const pipe = (args: string[], options: RunOptions = {}): Run =>
  sandbox.run(['pipe', ...args, '--relay', relay.url], options);

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** A descriptor of a file, closed after `use`. */
async function withFile<T>(name: string, flags: string, use: (fd: number) => Promise<T>): Promise<T> {
  const fd = openSync(sandbox.path(name), flags);
  try {
    return await use(fd);
  } finally {
    closeSync(fd);
  }
}

describe('supernode pipe', () => {
  it('carries both directions at once, every byte', async () => {
    const there = randomBytes(7 * MiB + 1);
    const back = randomBytes(5 * MiB + 65_527);
    const listen = pipe(['listen']);
    const to = await listen.listening();
    const dial = pipe(['connect', to]);
    dial.child.stdin!.end(there);
    listen.child.stdin!.end(back);
    expect(await dial.end()).toEqual(DONE);
    expect(await listen.end()).toEqual(DONE);
    expect(sha256(listen.stdout)).toBe(sha256(there));
    expect(sha256(dial.stdout)).toBe(sha256(back));
    expect(dial.stderr).toBe('');
  });

  it('carries a file to a file', async () => {
    const bytes = randomBytes(20 * MiB + 17);
    await writeFile(sandbox.path('file'), bytes);
    const listen = await withFile('copy', 'w', async (stdout) =>
      pipe(['listen'], { stdin: 'ignore', stdout }),
    );
    const to = await listen.listening();
    const dial = await withFile('file', 'r', async (stdin) => pipe(['connect', to], { stdin }));
    expect(await dial.end()).toEqual(DONE);
    expect(await listen.end()).toEqual(DONE);
    expect(sha256(await readFile(sandbox.path('copy')))).toBe(sha256(bytes));
  });

  it('carries nothing at all', async () => {
    const listen = pipe(['listen'], { stdin: 'ignore' });
    const dial = pipe(['connect', await listen.listening()], { stdin: 'ignore' });
    expect(await dial.end()).toEqual(DONE);
    expect(await listen.end()).toEqual(DONE);
    expect(listen.stdoutBytes + dial.stdoutBytes).toBe(0);
  });

  it('carries what the listening side sends, from a key that lasts', async () => {
    const { file, id } = await sandbox.key('listen');
    const listen = pipe(['listen', '--key', file]);
    expect(await listen.listening()).toBe(id);
    listen.child.stdin!.end('for whoever connects');
    const dial = pipe(['connect', id], { stdin: 'ignore' });
    expect(await dial.end()).toEqual(DONE);
    expect(await listen.end()).toEqual(DONE);
    expect(dial.text).toBe('for whoever connects');
  });

  it('passes each line on while stdin stays open', async () => {
    const listen = pipe(['listen']);
    const dial = pipe(['connect', await listen.listening()]);
    dial.child.stdin!.write('question\n');
    expect(await listen.stdoutLine()).toBe('question');
    listen.child.stdin!.write('answer\n');
    expect(await dial.stdoutLine()).toBe('answer');
    dial.child.stdin!.end();
    listen.child.stdin!.end();
    expect(await dial.end()).toEqual(DONE);
    expect(await listen.end()).toEqual(DONE);
  });

  it('closes stdout at the end of the other side, while its own stdin is open', async () => {
    const listen = pipe(['listen']);
    const dial = pipe(['connect', await listen.listening()]);
    const stdoutEnded = new Promise((resolve) => dial.child.stdout!.once('end', resolve));
    listen.child.stdin!.end('all');
    await stdoutEnded;
    expect(dial.text).toBe('all');
    dial.child.stdin!.end('and back');
    expect(await listen.end()).toEqual(DONE);
    expect(await dial.end()).toEqual(DONE);
    expect(listen.text).toBe('and back');
  });

  it('hints at a stdin that nobody ends', async () => {
    const listen = pipe(['listen'], { stdin: 'ignore' });
    const dial = pipe(['connect', await listen.listening()]);
    await dial.stderrMatch(/(end of its own stdin)/);
    dial.child.stdin!.end();
    expect(await dial.end()).toEqual(DONE);
    expect(await listen.end()).toEqual(DONE);
  });

  it('loses nothing to a slow reader, and makes the sender wait', async () => {
    const bytes = randomBytes(32 * MiB);
    const listen = pipe(['listen'], { stdin: 'ignore' });
    const to = await listen.listening();
    listen.child.stdout!.pause();
    const dial = pipe(['connect', to]);
    let sent = false;
    dial.child.stdin!.end(bytes, () => {
      sent = true;
    });
    const stdout = listen.child.stdout!;
    let target = 0;
    stdout.on('data', () => {
      if (listen.stdoutBytes >= target) stdout.pause();
    });
    // A mebibyte, then nothing for as long as a status takes: without back-pressure that is time for all of it.
    for (let pause = 1; pause <= 3; pause++) {
      target = pause * MiB;
      stdout.resume();
      await listen.until(() => listen.stdoutBytes >= target);
      await framesIn();
      expect(sent).toBe(false);
    }
    target = Number.POSITIVE_INFINITY;
    stdout.resume();
    expect(await dial.end()).toEqual(DONE);
    expect(await listen.end()).toEqual(DONE);
    expect(sha256(listen.stdout)).toBe(sha256(bytes));
  });
});

describe('supernode pipe listen', () => {
  it('prints JSON on stderr with --json', async () => {
    const listen = pipe(['listen', '--json'], { stdin: 'ignore' });
    const to = await listen.stderrMatch(/^\{"listening":"([a-z2-7]{52})"\}$/m);
    const dial = pipe(['connect', to], { stdin: 'ignore' });
    await Promise.all([dial.end(), listen.end()]);
    expect(listen.stderr).toMatch(/^\{"connected":"[a-z2-7]{52}"\}$/m);
  });

  it('takes reliable pipes only, and only one', async () => {
    const listen = pipe(['listen']);
    const to = await listen.listening();
    const peer = await connect(relay.url);
    const rejected = { reason: 'rejected' };
    await expect(peer.open(to, { reliable: true, protocol: 'other' })).rejects.toMatchObject(rejected);
    await expect(peer.open(to, { protocol: 'pipe' })).rejects.toMatchObject(rejected);
    const channel = await peer.open(to, { reliable: true, protocol: 'pipe' });
    const second = pipe(['connect', to], { stdin: 'ignore' });
    expect(await second.end()).toEqual({ code: 3, signal: null });
    expect(second.stderr).toMatch(/^supernode: [^\n]*rejected[^\n]*\n$/);
    channel.send('first come');
    await channel.end();
    await listen.until(() => listen.text === 'first come');
    await peer.close();
    expect(await listen.end()).toEqual({ code: 4, signal: null });
  });
});

describe('supernode pipe connect', () => {
  it('fails at once with 3 when the peer is not there', async () => {
    const dial = pipe(['connect', generateIdentity().id]);
    expect(await dial.end()).toEqual({ code: 3, signal: null });
    expect(dial.stderr).toMatch(/^supernode: [^\n]*not-found[^\n]*\n$/);
  });

  it('gives up with 3 at the end of --wait', async () => {
    const dial = pipe(['connect', generateIdentity().id, '--wait', '1']);
    expect(await dial.end()).toEqual({ code: 3, signal: null });
  });

  it('keeps trying for --wait', async () => {
    const { file, id } = await sandbox.key('late');
    const before = await framesIn();
    const dial = pipe(['connect', id, '--wait', '60']);
    dial.child.stdin!.end('patience');
    // Its login, and at least two attempts in vain. Each look is a process: this is no busy loop.
    while ((await framesIn()) < before + 3) expect(dial.child.exitCode).toBe(null);
    const listen = pipe(['listen', '--key', file], { stdin: 'ignore' });
    expect(await dial.end()).toEqual(DONE);
    expect(await listen.end()).toEqual(DONE);
    expect(listen.text).toBe('patience');
  });
});

/** Frames that the relay was sent so far. */
async function framesIn(): Promise<number> {
  const status = sandbox.run(['status', '--json', '--url', relay.url]);
  expect(await status.end()).toEqual(DONE);
  return (JSON.parse(status.text) as { frames: { in: number } }).frames.in;
}
