import { chmod, mkdir, readdir, writeFile } from 'node:fs/promises';
import { connect } from 'supernode/client';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Run, Sandbox } from './run-cli.ts';

let sandbox: Sandbox;
beforeEach(async () => {
  sandbox = await Sandbox.create();
});
afterEach(() => sandbox.remove());

const TOKEN = 'a-token-of-the-operator';

async function ended(run: Run, code: number): Promise<Run> {
  expect({ ...(await run.end()), stderr: run.stderr }).toMatchObject({ code });
  return run;
}

describe('supernode status', () => {
  it("gives the numbers of this user's only relay", async () => {
    const relay = await sandbox.relay();
    const peer = await connect(relay.url);
    const run = await ended(sandbox.run(['status', '--json']), 0);
    expect(JSON.parse(run.text)).toMatchObject({ id: relay.id, url: relay.url, state: 'open', sessions: 1 });
    await peer.close();
  });

  it('shows a table to people, without the token', async () => {
    const relay = await sandbox.relay([], { env: { SUPERNODE_ADMIN_TOKEN: TOKEN } });
    const run = await ended(sandbox.run(['status', '--url', relay.url]), 0);
    expect(run.text).toContain(relay.id);
    expect(run.text).toMatch(/^peers +0 /m);
    expect(run.text + run.stderr).not.toContain(TOKEN);
  });

  it('asks which one when there are several, and takes the one that is named', async () => {
    const [first, second] = await Promise.all([sandbox.relay(), sandbox.relay()]);
    const unsure = await ended(sandbox.run(['status']), 2);
    expect(unsure.stderr).toContain(first.url);
    expect(unsure.stderr).toContain(second.url);
    const run = await ended(sandbox.run(['status', '--json', '--url', second.url]), 0);
    expect(JSON.parse(run.text)).toMatchObject({ id: second.id });
  });

  it('asks an admin port with the token of the environment, or of the state file', async () => {
    const relay = await sandbox.relay([], { env: { SUPERNODE_ADMIN_TOKEN: TOKEN } });
    const args = ['status', '--json', '--url', relay.adminUrl];
    const byFile = await ended(sandbox.run(args), 0);
    const elsewhere = { XDG_RUNTIME_DIR: sandbox.path('elsewhere') };
    await mkdir(elsewhere.XDG_RUNTIME_DIR, { mode: 0o700 });
    const env = { ...elsewhere, SUPERNODE_ADMIN_TOKEN: TOKEN };
    const byToken = await ended(sandbox.run(args, { env }), 0);
    for (const run of [byFile, byToken]) expect(JSON.parse(run.text)).toMatchObject({ id: relay.id });
    const withNeither = await ended(sandbox.run(args, { env: elsewhere }), 1);
    expect(withNeither.stderr).toContain('SUPERNODE_ADMIN_TOKEN');
  });

  it('is refused with a wrong token', async () => {
    const relay = await sandbox.relay();
    const env = { SUPERNODE_ADMIN_TOKEN: 'not-the-token-of-the-relay' };
    const run = await ended(sandbox.run(['status', '--url', relay.adminUrl], { env }), 1);
    expect(run.stderr).toMatch(/^supernode: The relay at [^\n]* refused the token\.\n$/);
    expect(run.text).toBe('');
  });

  it('says that no relay runs', async () => {
    const run = await ended(sandbox.run(['status']), 1);
    expect(run.stderr).toMatch(/^supernode: No relay of this user runs here [^\n]*\n$/);
  });

  it('forgets the state of a relay that was killed', async () => {
    const relay = await sandbox.relay();
    relay.run.child.kill('SIGKILL');
    await relay.run.end();
    expect(await readdir(sandbox.path('supernode'))).toHaveLength(1);
    const run = await ended(sandbox.run(['status', '--url', relay.url]), 1);
    expect(run.stderr).toContain(relay.url);
    expect(await readdir(sandbox.path('supernode'))).toEqual([]);
  });

  it("does not take a local relay's numbers for those of another machine", async () => {
    const relay = await sandbox.relay();
    const other = `ws://relay.example:${new URL(relay.url).port}`;
    const run = await ended(sandbox.run(['status', '--url', other]), 1);
    expect(run.stderr).toContain(other);
  });

  it('says that nothing listens at an admin port', async () => {
    const relay = await sandbox.relay();
    relay.run.child.kill('SIGTERM');
    await relay.run.end();
    const env = { SUPERNODE_ADMIN_TOKEN: TOKEN };
    const run = await ended(sandbox.run(['status', '--url', relay.adminUrl], { env }), 1);
    expect(run.stderr).toContain('ECONNREFUSED');
  });

  it('trusts no state directory that others can write', async () => {
    const directory = sandbox.path('supernode');
    await mkdir(directory);
    const state = { url: 'ws://127.0.0.1:7420', adminUrl: 'http://127.0.0.1:1', token: TOKEN };
    const file = `${directory}/relay-7420.json`;
    await writeFile(file, JSON.stringify({ ...state, pid: process.pid, startedAt: 0 }), { mode: 0o600 });
    await chmod(directory, 0o777);
    const run = await ended(sandbox.run(['status']), 1);
    expect(run.stderr).toContain(`chmod 700 ${directory}`);
  });
});
