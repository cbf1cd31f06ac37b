import { chmod, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { connect } from 'supernode/client';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Sandbox } from './run-cli.ts';

let sandbox: Sandbox;
beforeEach(async () => {
  sandbox = await Sandbox.create();
});
afterEach(() => sandbox.remove());

const portOf = (url: string): string => new URL(url).port;

describe('supernode start', () => {
  it('prints its address first, and ends with 0 on SIGTERM', async () => {
    const run = sandbox.run(['start', '--port', '0']);
    expect(await run.stdoutLine()).toMatch(/^listening on ws:\/\/127\.0\.0\.1:\d+$/);
    run.child.kill('SIGTERM');
    expect(await run.end()).toEqual({ code: 0, signal: null });
    expect(run.stderr).toContain('SIGTERM');
  });

  it('sends its peers away on SIGINT, and ends with 0', async () => {
    const relay = await sandbox.relay(['--shards', '2']);
    const peers = await Promise.all([1, 2, 3].map(() => connect(relay.url, { reconnect: false })));
    const closed = peers.map(
      (peer) =>
        new Promise((resolve) => peer.addEventListener('closed', ({ error }) => resolve(error?.code))),
    );
    relay.run.child.kill('SIGINT');
    expect(await Promise.all(closed)).toEqual(['drained', 'drained', 'drained']);
    expect(await relay.run.end()).toEqual({ code: 0, signal: null });
    expect(relay.run.stderr).toContain('3 peers');
  });

  it('ends at once on a second signal, with 130', async () => {
    const relay = await sandbox.relay();
    const peer = await connect(relay.url, { reconnect: false });
    relay.run.child.kill('SIGINT');
    await relay.run.stderrMatch(/(SIGINT)/);
    relay.run.child.kill('SIGINT');
    expect(await relay.run.end()).toEqual({ code: 130, signal: null });
    await peer.close();
  });

  it.runIf(process.platform === 'linux')("lets V8's helper threads give way to its shards", async () => {
    const { run } = await sandbox.relay(['--shards', '2']);
    const task = `/proc/${run.child.pid}/task`;
    const nice = await Promise.all(
      (await readdir(task)).map(async (thread) => {
        const stat = await readFile(`${task}/${thread}/stat`, 'utf8');
        // proc(5): field 19, and the name in field 2 may have spaces.
        return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[16]);
      }),
    );
    // Those of V8, and the directory's; not the main thread and the shards.
    expect(nice.filter((value) => value === 10).length).toBeGreaterThanOrEqual(4 + 3);
    expect(nice.filter((value) => value === 0).length).toBeGreaterThanOrEqual(1 + 2);
  });

  it('prints the warnings of its relay, a line each', async () => {
    const { url, run } = await sandbox.relay(['--max-logins', '1']);
    const peers = await Promise.allSettled(
      Array.from({ length: 6 }, () => connect(url, { reconnect: false })),
    );
    const line = await run.stderrMatch(/^(supernode: warning \(logins-refused\): .*)$/m);
    expect(line).toContain('1 per second');
    for (const peer of peers) if (peer.status === 'fulfilled') await peer.value.close();
  });

  it('says that the port is in use', async () => {
    const { url } = await sandbox.relay();
    const second = sandbox.run(['start', '--port', portOf(url)]);
    expect(await second.end()).toEqual({ code: 1, signal: null });
    expect(second.stderr).toMatch(/^supernode: Port \d+ on 127\.0\.0\.1 is in use \(EADDRINUSE\)[^\n]*\n$/);
  });

  it('says which flag is for the admin port when that is in use', async () => {
    const { adminUrl } = await sandbox.relay();
    const second = sandbox.run(['start', '--port', '0', '--admin-port', portOf(adminUrl)]);
    expect(await second.end()).toEqual({ code: 1, signal: null });
    expect(second.stderr).toMatch(/^supernode: The admin port \d+ is in use [^\n]*--admin-port[^\n]*\n$/);
  });

  it('keeps its key in --data, for its owner alone', async () => {
    const data = sandbox.path('data');
    const first = await sandbox.relay(['--data', data]);
    first.run.child.kill('SIGTERM');
    await first.run.end();
    const second = await sandbox.relay(['--data', data]);
    expect(second.id).toBe(first.id);
    expect((await stat(data)).mode & 0o777).toBe(0o700);
    expect((await stat(`${data}/relay.key`)).mode & 0o777).toBe(0o600);
  });

  it("keeps its key and directory in the user's data directory, by the port", async () => {
    const first = await sandbox.relay();
    first.run.child.kill('SIGTERM');
    await first.run.end();
    expect(await readdir(sandbox.directory)).not.toContain('share');
    // Below the ports that the kernel gives to the connections of other tests; another relay may have it all the same.
    let port = '';
    let second = first.run;
    for (let tries = 0; tries < 10; tries++) {
      port = String(20_000 + Math.floor(Math.random() * 10_000));
      second = sandbox.run(['start', '--port', port, '--admin-port', '0']);
      const line = await second.stdoutLine().catch(() => null);
      if (line !== null) break;
      expect(second.stderr).toContain('EADDRINUSE');
    }
    const data = sandbox.path(`share/supernode/relay-${port}`);
    await second.stderrMatch(/(are kept in )/);
    expect(second.stderr).toContain(`are kept in ${data}.`);
    expect((await readdir(data)).sort()).toEqual(['directory', 'relay.key']);
    expect((await stat(data)).mode & 0o777).toBe(0o700);
  });

  it('says which process has the data', async () => {
    const data = sandbox.path('data');
    const first = await sandbox.relay(['--data', data]);
    const second = sandbox.run(['start', '--port', '0', '--data', data]);
    expect(await second.end()).toEqual({ code: 1, signal: null });
    expect(second.stderr).toMatch(/^supernode: [^\n]+\n$/);
    expect(second.stderr).toContain(`process ${first.pid}`);
  });

  it('refuses a --data directory that is a file', async () => {
    const file = sandbox.path('file');
    await writeFile(file, '');
    const run = sandbox.run(['start', '--port', '0', '--data', file]);
    expect(await run.end()).toEqual({ code: 1, signal: null });
    expect(run.stderr).toContain(file);
  });

  it('keeps its state file to its owner, and removes it at the end', async () => {
    const relay = await sandbox.relay();
    const directory = sandbox.path('supernode');
    const [name] = await readdir(directory);
    expect(name).toBe(`relay-${portOf(relay.url)}.json`);
    expect((await stat(directory)).mode & 0o777).toBe(0o700);
    expect((await stat(`${directory}/${name}`)).mode & 0o777).toBe(0o600);
    const { token } = JSON.parse(await readFile(`${directory}/${name}`, 'utf8')) as { token: string };
    relay.run.child.kill('SIGTERM');
    await relay.run.end();
    expect(await readdir(directory)).toEqual([]);
    expect(relay.run.text + relay.run.stderr).not.toContain(token);
  });

  it('runs without a state file when others could read it, and says so', async () => {
    await mkdir(sandbox.path('supernode'));
    await chmod(sandbox.path('supernode'), 0o755);
    const relay = await sandbox.relay();
    expect(await readdir(sandbox.path('supernode'))).toEqual([]);
    expect(relay.run.stderr).toContain('others can enter it');
    const peer = await connect(relay.url);
    await peer.close();
  });
});
