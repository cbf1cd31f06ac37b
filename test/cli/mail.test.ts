import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { connect, loadIdentity } from 'supernode';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Key, registered as registeredAt, sendText } from './registered.ts';
import { type Run, type RunningRelay, Sandbox } from './run-cli.ts';

const DONE = { code: 0, signal: null };

let sandbox: Sandbox;
let relay: RunningRelay;
beforeAll(async () => {
  sandbox = await Sandbox.create();
  relay = await sandbox.relay(['--shards', '2']);
});
afterAll(() => sandbox.remove());

const registered = (name: string): Promise<Key> => registeredAt(sandbox, relay, name);

const start = (args: string[], key: Key): Run =>
  sandbox.run([...args, '--key', key.file, '--relay', relay.url]);

function send(to: string, message: string | Uint8Array, from: Key, ...flags: string[]): Run {
  const run = start(['send', to, ...flags], from);
  run.child.stdin!.end(message);
  return run;
}

async function inbox(key: Key, ...flags: string[]): Promise<Record<string, unknown>[]> {
  const run = start(['inbox', '--json', ...flags], key);
  expect(await run.end()).toEqual(DONE);
  return linesOf(run);
}

function linesOf(run: Run): Record<string, unknown>[] {
  const lines = run.text.split('\n').filter((line) => line !== '');
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}

/** Not of `--port 0`: the system keeps such a port from a new relay for as long as old connections linger. */
async function freePort(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return String(port);
}

async function failed(run: Run, code: number): Promise<string> {
  expect(await run.end()).toEqual({ code, signal: null });
  expect(run.stderr).toMatch(/^supernode: [^\n]+\n$/);
  return run.stderr;
}

describe('supernode send and inbox', () => {
  it('carry a message to somebody who is away, once', async () => {
    const ann = await registered('ann');
    const bob = await registered('bob');
    const sent = send('ann', 'hello\n', bob);
    expect(await sent.end()).toEqual(DONE);
    const [, id] = /^([0-9a-f]{32}) stored\n$/.exec(sent.text)!;
    const [message, ...others] = await inbox(ann);
    expect(message).toMatchObject({ id, from: bob.id, text: 'hello\n' });
    expect(Math.abs(Date.parse(message!['sentAt'] as string) - Date.now())).toBeLessThan(600_000);
    expect(others).toEqual([]);
    expect(await inbox(ann)).toEqual([]);
    expect(await inbox(bob)).toEqual([{ id, to: ann.id, receipt: 'delivered' }]);
    expect(await inbox(bob)).toEqual([]);
  });

  it('carry bytes that are no text, to an id', async () => {
    const carl = await registered('carl');
    const bytes = Uint8Array.of(0xff, 0, 0xfe);
    const sent = send(carl.id, bytes, carl, '--json');
    expect(await sent.end()).toEqual(DONE);
    expect(JSON.parse(sent.text)).toMatchObject({ to: carl.id, state: 'stored' });
    const [message] = await inbox(carl);
    expect(message).toMatchObject({ base64: '/wD+' });
    expect(message).not.toHaveProperty('text');
  });

  it('keep the order of more messages than one window, and end when there are none', async () => {
    const dora = await registered('dora');
    const texts = Array.from({ length: 150 }, (_, index) => `message ${index}`);
    // Of two senders: each may write 100 times at once.
    const peers = await Promise.all([1, 2].map(() => connect(relay.url, { reconnect: false })));
    for (const [index, text] of texts.entries()) await peers[index % 2]!.messages.send('dora', text);
    expect((await inbox(dora, '--max', '40')).map(({ text }) => text)).toEqual(texts.slice(0, 40));
    expect((await inbox(dora)).map(({ text }) => text)).toEqual(texts.slice(40));
    expect(await inbox(dora)).toEqual([]);
    await Promise.all(peers.map((peer) => peer.close()));
  });

  it('show people what a message says, and let it not pass for another', async () => {
    const eve = await registered('eve');
    const text = `one\n2026-01-01T00:00:00.000Z  ${eve.id}\u001b[2K`;
    expect(await send('eve', text, eve).end()).toEqual(DONE);
    const run = start(['inbox'], eve);
    expect(await run.end()).toEqual(DONE);
    const [head, ...body] = run.text.split('\n');
    expect(head).toMatch(new RegExp(`^\\S+Z {2}${eve.id} {2}[0-9a-f]{32}$`));
    expect(body.slice(0, 2)).toEqual(['  one', `  2026-01-01T00:00:00.000Z  ${eve.id}\ufffd[2K`]);
  });
});

describe('supernode send', () => {
  it('waits until the message is taken', async () => {
    const frida = await registered('frida');
    const gina = await registered('gina');
    const sent = send('frida', 'now', gina, '--wait', '60');
    await sent.until(() => sent.text.includes(' stored\n'));
    expect(await inbox(frida)).toHaveLength(1);
    expect(await sent.end()).toEqual(DONE);
    expect(sent.text).toMatch(/^([0-9a-f]{32}) stored\n\1 delivered\n$/);
  });

  it('ends with 4 when nobody takes it in time; it stays stored', async () => {
    const hana = await registered('hana');
    const sent = send('hana', 'later', await sandbox.key('late'), '--wait', '1');
    expect(await failed(sent, 4)).toContain('stays stored');
    expect(await inbox(hana)).toMatchObject([{ text: 'later' }]);
  });

  it('ends with 3 for a name that nobody has, an id without a mailbox, and one who wants no mail', async () => {
    const ivan = await registered('ivan');
    expect(await failed(send('nobody', 'x', ivan), 3)).toContain('nobody');
    const stranger = await sandbox.key('stranger');
    const absent = await failed(send(stranger.id, 'x', ivan), 3);
    const closed = await registered('closed');
    const peer = await connect(relay.url, { identity: await loadIdentity(closed.file), reconnect: false });
    await peer.policy.set({ reach: 'nobody' });
    await peer.close();
    expect(await failed(send(closed.id, 'x', ivan), 3)).toBe(absent);
  });

  it('refuses a message that is too long, and none at all', async () => {
    const jon = await registered('jon');
    const from = await sandbox.key('long');
    expect(await failed(send('jon', Buffer.alloc(16_385), from), 2)).toContain('16384');
    expect(await failed(send('jon', '', from), 2)).toContain('stdin is empty');
    expect(await send('jon', Buffer.alloc(16_384), from).end()).toEqual(DONE);
    expect(await inbox(jon)).toHaveLength(1);
  });
});

describe('supernode inbox', () => {
  it('prints what comes, as it comes, with --follow', async () => {
    const kim = await registered('kim');
    const lee = await registered('lee');
    const follow = start(['inbox', '--follow', '--json', '--max', '2'], kim);
    expect(await send('kim', 'first', lee).end()).toEqual(DONE);
    expect(JSON.parse(await follow.stdoutLine())).toMatchObject({ from: lee.id, text: 'first' });
    expect(await send('kim', 'second', lee).end()).toEqual(DONE);
    expect(await follow.end()).toEqual(DONE);
    expect(linesOf(follow).map(({ text }) => text)).toEqual(['first', 'second']);
    expect(await inbox(kim)).toEqual([]);
  });

  it('acknowledges nothing that stdout did not take', async () => {
    const mia = await registered('mia');
    for (const text of ['a', 'b']) await sendText(relay, 'mia', text);
    const run = start(['inbox', '--json'], mia);
    run.child.stdout!.destroy();
    expect(await failed(run, 1)).toContain('stdout was closed');
    expect((await inbox(mia)).map(({ text }) => text)).toEqual(['a', 'b']);
  });

  it('finds what was stored before its relay was killed', async () => {
    const data = sandbox.path('killed');
    const first = await sandbox.relay(['--data', data]);
    const ola = await registeredAt(sandbox, first, 'ola');
    const pia = await sandbox.key('pia');
    const at = (url: string) => ({ env: { SUPERNODE_RELAY: url } });
    const sent = sandbox.run(['send', 'ola', '--key', pia.file], at(first.url));
    sent.child.stdin!.end('stored');
    expect(await sent.end()).toEqual(DONE);
    first.run.child.kill('SIGKILL');
    await first.run.exit;
    const second = await sandbox.relay(['--data', data]);
    const lookup = sandbox.run(['lookup', 'ola', '--json'], at(second.url));
    expect(await lookup.end()).toEqual(DONE);
    expect(JSON.parse(lookup.text)).toMatchObject({ id: ola.id });
    const read = sandbox.run(['inbox', '--json', '--key', ola.file], at(second.url));
    expect(await read.end()).toEqual(DONE);
    expect(linesOf(read)).toMatchObject([{ from: pia.id, text: 'stored' }]);
  });

  it('follows over a restart of its relay', async () => {
    const data = sandbox.path('restarted');
    const port = await freePort();
    const begin = async (): Promise<Run> => {
      const run = sandbox.run(['start', '--port', port, '--admin-port', '0', '--data', data]);
      await run.stdoutLine();
      return run;
    };
    const first = await begin();
    const env = { SUPERNODE_RELAY: `ws://127.0.0.1:${port}` };
    const qim = await registeredAt(sandbox, { url: env.SUPERNODE_RELAY }, 'qim');
    const follow = sandbox.run(['inbox', '--key', qim.file, '--follow', '--max', '2', '--json'], { env });
    const sendQim = (text: string) => sendText({ url: env.SUPERNODE_RELAY }, 'qim', text);
    await sendQim('before');
    await follow.stdoutLine();
    first.child.kill('SIGTERM');
    await first.end();
    await begin();
    await sendQim('after');
    expect(await follow.end()).toEqual(DONE);
    expect(linesOf(follow).map(({ text }) => text)).toEqual(['before', 'after']);
  });

  it('ends when the same key logs in elsewhere, and says so', async () => {
    const nia = await registered('nia');
    const follow = start(['inbox', '--follow', '--json'], nia);
    expect(await send('nia', 'here', nia).end()).toEqual(DONE);
    expect(await failed(follow, 1)).toMatch(/logged in|replaced/);
  });
});
