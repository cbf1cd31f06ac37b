import { accessSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { refusalOf } from './refusal.ts';
import { MAIN, Sandbox } from './run-cli.ts';

let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await Sandbox.create();
});
afterAll(() => sandbox.remove());

/** One line on stderr that starts with the command's name: no stack, nothing else. */
const oneSentence = /^supernode: [^\n]+\n$/;

async function refused(args: string[], code: number, env: Record<string, string> = {}): Promise<string> {
  const run = sandbox.run(args, { env });
  expect(await run.end()).toEqual({ code, signal: null });
  expect(run.stderr).toMatch(oneSentence);
  expect(run.text).toBe('');
  return run.stderr;
}

describe('a wrong flag or argument', () => {
  it.each([
    [['start', '--prot', '7420'], '--prot', '--port'],
    [['start', '--adminPort', '1'], '--adminPort', '--admin-port'],
    [['start', '-p', '1'], '-p', '--port'],
    [['start', '--no-json'], '--no-json', '--json'],
    [['status', '--port', '1'], '--port', '--url'],
    [['keygen', '--out', 'x', '--overwrite'], '--overwrite', '--force'],
    [['pipe', 'listen', '--wait', '1'], '--wait', '--relay'],
    [['--port', '1'], '--port', '--version'],
  ])('%j is refused by name, with the flags that there are', async (args, named, allowed) => {
    const said = await refusalOf(args, 2);
    expect(said).toContain(named);
    expect(said).toContain(allowed);
  });

  it.each([
    [['begin'], '"begin"', 'keygen, whoami, register, lookup, send, inbox'],
    [['constructor'], '"constructor"', 'keygen, whoami, register, lookup, send, inbox'],
    [['pipe', 'send'], '"send"', 'listen, connect'],
    [[], 'missing', 'keygen, whoami, register, lookup, send, inbox'],
    [['pipe'], 'missing', 'listen, connect'],
  ])('%j is refused with the commands that there are', async (args, named, allowed) => {
    const said = await refusalOf(args, 2);
    expect(said).toContain(named);
    expect(said).toContain(allowed);
  });

  it.each([
    [['start', '--port', '99999'], '--port must be a whole number from 0 to 65535, not "99999"'],
    [['start', '--port', '-1'], '--port must be a whole number from 0 to 65535, not "-1"'],
    [['start', '--port=-1'], '--port must be a whole number'],
    [['start', '--port', '1e3'], '--port must be a whole number'],
    [['start', '--port', ''], '--port needs a value'],
    [['start', '--port'], '--port needs a value'],
    [['start', '--host', '--json'], '--host needs a value'],
    [['start', '--json=yes'], '--json takes no value'],
    [['start', '--shards', '0'], '--shards must be auto or a whole number from 1 to 64'],
    [['start', '--shards', '65'], '--shards must be auto or a whole number from 1 to 64'],
    [['start', '--tls-key', 'key.pem'], '--tls-key needs --tls-cert'],
    [['start', '--relay-bandwidth', 'fast'], '--relay-bandwidth must be a rate'],
    [['start', '--relay-bandwidth', '0MB'], '--relay-bandwidth must be a rate'],
    [['start', '--relay-bandwidth', '9999TB'], '--relay-bandwidth must be a rate'],
    [['start', '7420'], 'takes no argument: "7420"'],
    [['start', '--max-logins', '0'], '--max-logins must be a whole number from 1 to 1000000, not "0"'],
    [['start', '--prefix-limits', 'no'], '--prefix-limits must be on or off, not "no"'],
    [['start', '--quarantine', 'on'], '--quarantine must be warn or delay, not "on"'],
    [['start', '--admin-port', '65536'], '--admin-port must be a whole number'],
    [['keygen'], 'needs --out FILE'],
    [['status', '--url', 'localhost'], 'not "localhost"'],
    [['pipe', 'connect'], 'PEER is missing'],
    [['pipe', 'connect', 'some body'], '"some body" cannot be a name'],
    [['pipe', 'connect', 'a', 'b'], '"b" is one too many'],
    [['pipe', 'connect', 'a'], '"a" cannot be a name: it has fewer than 3 characters'],
    [['pipe', 'connect', 'ann', '--wait', 'long'], '--wait must be a whole number'],
    [['whoami'], 'supernode keygen --out FILE'],
    [['register', 'ann'], 'supernode keygen --out FILE'],
    [['inbox'], 'supernode keygen --out FILE'],
    [['send', 'ann'], 'supernode keygen --out FILE'],
    [['register'], 'NAME is missing'],
    [['register', 'ann.example'], 'it contains a dot'],
    [['register', 'ann', 'Oslo'], 'key=value pairs of the profile, not "Oslo"'],
    [['register', 'ann', '--release', '--transfer', 'x'], '--release and --transfer contradict each other'],
    [['register', 'ann', '--days', '367'], '--days must be a whole number from 1 to 366'],
    [['register', 'ann', '--transfer-to', 'bob'], '"bob" is not a peer id'],
    [['lookup'], 'PEER is missing'],
    [['lookup', 'p\u0430ypal'], 'cannot be a name'],
    [['send', 'ann', '--wait', '-1'], '--wait must be a whole number'],
    [['drain', '--grace', '-1'], '--grace must be a whole number from 0 to 3600, not "-1"'],
    [['drain', '--grace', '-x'], '--grace needs a value'],
    [['drain', '--successor', 'nonsense'], '--successor must have URLs ws://host:port'],
    [['start', '--successor', 'http://a'], '--successor must have URLs ws://host:port'],
    [['start', '--successor', Array(9).fill('ws://a').join()], '--successor takes at most 8 URLs, not 9'],
    [['start', '--refuse-version', 'a*b'], '--refuse-version takes at most 64 version texts'],
    [['start', '--refuse-version', Array(65).fill('a').join()], 'with a * at most at the end, not 65'],
    [['inbox', '--max', '0'], '--max must be a whole number'],
    [['pipe', 'listen', '--relay', 'http://127.0.0.1:1'], '"http://127.0.0.1:1" is not a relay\'s URL'],
  ])('%j is refused: %s', async (args, said) => {
    expect(await refusalOf(args, 2)).toContain(said);
  });

  it.each([
    [['start', '--prot', '7420'], '--prot'],
    [['begin'], '"begin"'],
    [[], 'missing'],
    [['pipe'], 'missing'],
    [['start', '--port', '99999'], 'not "99999"'],
    [['register', 'ann', 'Oslo'], 'not "Oslo"'],
  ])('%j ends the process with 2 and a sentence', async (args, said) => {
    expect(await refused(args, 2)).toContain(said);
  });

  it('refuses an admin token that is too short, without showing it', async () => {
    const said = await refused(['start', '--port', '0'], 2, { SUPERNODE_ADMIN_TOKEN: 'hunter2' });
    expect(said).toContain('SUPERNODE_ADMIN_TOKEN');
    expect(said).not.toContain('hunter2');
  });
});

describe('a failure that is not a usage error', () => {
  it('names a key file that is missing', async () => {
    const said = await refused(['pipe', 'listen', '--key', sandbox.path('none.key')], 1);
    expect(said).toContain(`${sandbox.path('none.key')} does not exist`);
  });

  it('refuses a key file that others can read', async () => {
    const file = sandbox.path('open.key');
    await writeFile(file, 'not even looked at', { mode: 0o644 });
    expect(await refused(['pipe', 'listen', '--key', file], 1)).toContain('mode 644');
  });

  it.each([[['pipe', 'listen']], [['pipe', 'connect', 'a'.repeat(52)]], [['lookup', 'ann']]])(
    'says for %j that the relay is down',
    async (args) => {
      // Port 1 of the loopback is reserved and never listened on here.
      const said = await refused(args, 1, { SUPERNODE_RELAY: 'ws://127.0.0.1:1' });
      expect(said).toContain('ws://127.0.0.1:1');
      expect(said).toContain('ECONNREFUSED');
    },
  );
});

describe('--help and --version', () => {
  it.each([
    [[]],
    [['start']],
    [['status']],
    [['keygen']],
    [['whoami']],
    [['register']],
    [['lookup']],
    [['send']],
    [['inbox']],
    [['pipe']],
    [['pipe', 'listen']],
    [['pipe', 'connect']],
  ])('supernode %j --help shows usage and examples on stdout', async (command) => {
    const run = sandbox.run([...command, '--help']);
    expect(await run.end()).toEqual({ code: 0, signal: null });
    expect(run.text).toContain(`USAGE supernode`);
    expect(run.text).toContain('EXAMPLES');
    expect(run.stderr).toBe('');
  });

  it('documents the exit codes of a pipe', async () => {
    const run = sandbox.run(['pipe', 'connect', '--help']);
    await run.end();
    for (const code of [0, 1, 2, 3, 4]) expect(run.text).toMatch(new RegExp(`^  ${code}  \\w`, 'm'));
  });

  it("--version prints the package's version", async () => {
    const run = sandbox.run(['--version']);
    expect(await run.end()).toEqual({ code: 0, signal: null });
    const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
      version: string;
    };
    expect(run.text).toBe(`${version}\n`);
  });

  it('the built entry starts with the line that makes it a command', () => {
    accessSync(MAIN);
    expect(readFileSync(MAIN, 'utf8').startsWith('#!/usr/bin/env node\n')).toBe(true);
  });
});
