import { writeFile } from 'node:fs/promises';
import { connect, loadIdentity } from 'supernode';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Key, registered as registeredAt } from './registered.ts';
import { type RunningRelay, type RunOptions, Sandbox } from './run-cli.ts';

let sandbox: Sandbox;
let relay: RunningRelay;
beforeAll(async () => {
  sandbox = await Sandbox.create();
  relay = await sandbox.relay(['--shards', '2']);
});
afterAll(() => sandbox.remove());

const registered = (name: string, profile?: Record<string, string>): Promise<Key> =>
  registeredAt(sandbox, relay, name, profile);

/** Whose name it is, without a process. */
async function ownerOf(name: string): Promise<string | undefined> {
  const peer = await connect(relay.url, { reconnect: false });
  const found = await peer.lookup(name);
  await peer.close();
  return found?.id;
}

interface Said {
  code: number | null;
  text: string;
  stderr: string;
}

async function say(args: string[], options: RunOptions = {}): Promise<Said> {
  const run = sandbox.run([...args, '--relay', relay.url], { stdin: 'ignore', ...options });
  const { code } = await run.end();
  return { code, text: run.text, stderr: run.stderr };
}

async function json(args: string[]): Promise<Record<string, unknown>> {
  const { code, text, stderr } = await say([...args, '--json']);
  expect([code, stderr]).toEqual([0, '']);
  expect(text).toMatch(/^[^\n]+\n$/);
  return JSON.parse(text) as Record<string, unknown>;
}

const failed = (said: Said, code: number): string => {
  expect(said.code).toBe(code);
  expect(said.text).toBe('');
  expect(said.stderr).toMatch(/^supernode: [^\n]+\n$/);
  return said.stderr;
};

describe('supernode whoami', () => {
  it('prints the id of a key, without a relay', async () => {
    const { file, id } = await sandbox.key('alone');
    const run = sandbox.run(['whoami', '--key', file]);
    expect(await run.end()).toEqual({ code: 0, signal: null });
    expect(run.text).toBe(`${id}\n`);
  });

  it('takes the key from SUPERNODE_KEY', async () => {
    const { file, id } = await sandbox.key('environment');
    const run = sandbox.run(['whoami', '--json'], { env: { SUPERNODE_KEY: file } });
    await run.end();
    expect(JSON.parse(run.text)).toEqual({ id });
  });

  it('prints the name that the relay has, if it has one', async () => {
    const { file, id } = await sandbox.key('named');
    expect(await json(['whoami', '--key', file])).toEqual({ id, name: null });
    await say(['register', 'named', '--key', file]);
    expect((await say(['whoami', '--key', file])).text).toBe(`${id}\nnamed\n`);
  });

  it('ends no session of the key, unless the key hides', async () => {
    const { file, id } = await registered('busy');
    const peer = await connect(relay.url, { identity: await loadIdentity(file), reconnect: false });
    let ended: string | undefined;
    peer.addEventListener('closed', ({ error }) => {
      ended = error?.code;
    });
    expect(await json(['whoami', '--key', file])).toEqual({ id, name: 'busy' });
    expect(peer.state).toBe('open');
    await peer.policy.set({ visibility: 'nobody' });
    expect(await json(['whoami', '--key', file])).toEqual({ id, name: 'busy' });
    expect(ended).toBe('replaced');
  });
});

describe('supernode register', () => {
  it('claims a name in its normal form, for others to look up', async () => {
    const { file, id } = await sandbox.key('ann');
    expect(await say(['register', 'ANN', 'city=Oslo', 'lang=no', '--key', file])).toEqual({
      code: 0,
      text: 'ann\n',
      stderr: '',
    });
    const found = await json(['lookup', 'Ann']);
    expect(found).toMatchObject({ id, record: { name: 'ann', profile: { city: 'Oslo', lang: 'no' } } });
    expect(await json(['lookup', id])).toMatchObject({ id, record: { name: 'ann', searchable: false } });
  });

  it('keeps what is not given, changes what is, and takes a whole profile from a file', async () => {
    const { file } = await sandbox.key('carl');
    await say(['register', 'carl', 'city=Oslo', 'lang=no', '--searchable', '--key', file]);
    const second = await json(['register', 'carl', 'city=', 'job=smith', '--days', '2', '--key', file]);
    const record = second['record'] as { expires: string };
    expect(record).toMatchObject({ searchable: true, profile: { lang: 'no', job: 'smith' }, seq: 2 });
    const days = (Date.parse(record.expires) - Date.now()) / 86_400_000;
    expect(Math.round(days)).toBe(2);
    await writeFile(sandbox.path('profile.json'), '{"age": 7}');
    const third = await json([
      'register',
      'carl',
      '--profile',
      sandbox.path('profile.json'),
      '--unsearchable',
      '--key',
      file,
    ]);
    expect(third['record']).toMatchObject({ searchable: false, profile: { age: 7 } });
  });

  it('refuses a name that another key has, and one that may be taken for another', async () => {
    const first = await registered('dora');
    const second = await sandbox.key('other');
    expect(failed(await say(['register', 'dora', '--key', second.file]), 1)).toContain('dora');
    expect(failed(await say(['register', 'd\u043Era', '--key', second.file]), 2)).toContain(
      'cannot be a name',
    );
    expect(await ownerOf('dora')).toBe(first.id);
  });

  it('releases a name for others, but only the one that is said', async () => {
    const first = await registered('eve');
    const second = await sandbox.key('heir');
    const wrong = failed(await say(['register', 'adam', '--release', '--key', first.file]), 1);
    expect(wrong).toContain('its name there is eve');
    for (const other of [['--days', '5'], ['--searchable']]) {
      const both = failed(await say(['register', 'eve', '--release', ...other, '--key', first.file]), 2);
      expect(both).toContain(`--release and ${other[0]} contradict each other`);
    }
    expect((await say(['register', 'eve', '--release', '--key', first.file])).code).toBe(0);
    expect((await say(['register', 'eve', '--key', second.file])).text).toBe('eve\n');
    expect(await ownerOf('eve')).toBe(second.id);
  });

  it('hands a name over with a text that only the new owner can use', async () => {
    const from = await registered('frida');
    const to = await sandbox.key('to');
    const thief = await sandbox.key('thief');
    const { text } = await say(['register', 'frida', '--transfer-to', to.id, '--key', from.file]);
    expect(text).toMatch(/^transfer\.[\w-]+\n$/);
    expect(await ownerOf('frida')).toBe(from.id);
    expect(failed(await say(['register', 'frida', '--transfer', text, '--key', thief.file]), 2)).toContain(
      'another peer',
    );
    expect((await say(['register', 'frida', '--transfer', text, '--key', to.file])).code).toBe(0);
    expect(await ownerOf('frida')).toBe(to.id);
    expect(await json(['whoami', '--key', from.file])).toEqual({ id: from.id, name: null });
  });

  it('says what is wrong with a profile', async () => {
    const { file } = await sandbox.key('gina');
    const none = await say(['register', 'gina', '--profile', sandbox.path('none'), '--key', file]);
    expect(failed(none, 1)).toContain('it does not exist');
    await writeFile(sandbox.path('list.json'), '[]');
    const list = await say(['register', 'gina', '--profile', sandbox.path('list.json'), '--key', file]);
    expect(failed(list, 1)).toContain('one JSON object');
    const large = await say(['register', 'gina', `text=${'x'.repeat(1100)}`, '--key', file]);
    expect(failed(large, 2)).toContain('1024');
  });
});

describe('supernode lookup', () => {
  it('shows state and record as text, with nothing in it that could move a cursor', async () => {
    const { file, id } = await registered('hana', { motto: '\u001b[31mred\u202e' });
    const peer = await connect(relay.url, { identity: await loadIdentity(file), reconnect: false });
    const { text } = await say(['lookup', 'hana']);
    expect(text).toMatch(new RegExp(`^id +${id}$`, 'm'));
    expect(text).toMatch(/^state +online$/m);
    expect(text).toMatch(/^profile\.motto +\ufffd\[31mred\ufffd$/m);
    await peer.close();
    expect(await json(['lookup', 'hana'])).toMatchObject({ lastSeen: expect.stringMatching(/^\d{4}-/) });
  });

  it('fails with 3 for a name that nobody has, and for one that hides', async () => {
    expect(failed(await say(['lookup', 'nobody']), 3)).toContain('nobody is not to be found');
    const { file } = await registered('ivan');
    const friend = await sandbox.key('friend');
    const peer = await connect(relay.url, { identity: await loadIdentity(file), reconnect: false });
    await peer.policy.set({ visibility: 'contacts' });
    await peer.policy.allow([friend.id]);
    expect(failed(await say(['lookup', 'ivan']), 3)).toContain('ivan is not to be found');
    expect(await json(['lookup', 'ivan', '--key', friend.file])).toMatchObject({ state: 'online' });
    await peer.close();
  });
});

describe('supernode pipe connect', () => {
  it('takes a name', async () => {
    const { file } = await registered('jon');
    const listen = sandbox.run(['pipe', 'listen', '--key', file, '--relay', relay.url], { stdin: 'ignore' });
    await listen.listening();
    const dial = sandbox.run(['pipe', 'connect', 'Jon', '--relay', relay.url]);
    dial.child.stdin!.end('by name');
    expect(await dial.end()).toEqual({ code: 0, signal: null });
    expect(await listen.end()).toEqual({ code: 0, signal: null });
    expect(listen.text).toBe('by name');
  });

  it('fails with 3 when nobody has the name', async () => {
    const dial = sandbox.run(['pipe', 'connect', 'nobody', '--relay', relay.url], { stdin: 'ignore' });
    expect(await dial.end()).toEqual({ code: 3, signal: null });
    expect(dial.stderr).toContain('nobody');
  });
});
