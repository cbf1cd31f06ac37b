import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Run, type RunningRelay, Sandbox } from './run-cli.ts';

const LOST = { code: 4, signal: null };
const MiB = 1024 * 1024;
const oneSentence = /^supernode: [^\n]*before everything was delivered[^\n]*\n$/m;

let sandbox: Sandbox;
let relay: RunningRelay;
beforeEach(async () => {
  sandbox = await Sandbox.create();
  relay = await sandbox.relay();
});
afterEach(() => sandbox.remove());

/** Both ends, in the middle of a transfer that only the end of stdin would finish. */
async function inTheMiddle(): Promise<{ listen: Run; dial: Run }> {
  const listen = sandbox.run(['pipe', 'listen', '--relay', relay.url]);
  const dial = sandbox.run(['pipe', 'connect', await listen.listening(), '--relay', relay.url]);
  dial.child.stdin!.write(randomBytes(2 * MiB));
  await listen.until(() => listen.stdoutBytes === 2 * MiB);
  return { listen, dial };
}

describe('a pipe that is cut', () => {
  it('fails at the sender when the receiver is killed', async () => {
    const { listen, dial } = await inTheMiddle();
    listen.child.kill('SIGKILL');
    expect(await dial.end()).toEqual(LOST);
    expect(dial.stderr).toMatch(oneSentence);
  });

  it('fails at the receiver when the sender is killed', async () => {
    const { listen, dial } = await inTheMiddle();
    dial.child.kill('SIGKILL');
    expect(await listen.end()).toEqual(LOST);
    expect(listen.stderr).toMatch(oneSentence);
  });

  it('fails at both ends when the relay is killed', async () => {
    const { listen, dial } = await inTheMiddle();
    relay.run.child.kill('SIGKILL');
    expect(await dial.end()).toEqual(LOST);
    expect(await listen.end()).toEqual(LOST);
    for (const side of [dial, listen]) expect(side.stderr).toMatch(oneSentence);
  });

  it('fails at both ends when the relay is stopped', async () => {
    const { listen, dial } = await inTheMiddle();
    relay.run.child.kill('SIGTERM');
    expect(await dial.end()).toEqual(LOST);
    expect(await listen.end()).toEqual(LOST);
    expect(await relay.run.end()).toEqual({ code: 0, signal: null });
  });

  it('fails at the sender although its stdin had ended, when the receiver had not written all', async () => {
    const listen = sandbox.run(['pipe', 'listen', '--relay', relay.url], { stdin: 'ignore' });
    const to = await listen.listening();
    listen.child.stdout!.pause();
    const dial = sandbox.run(['pipe', 'connect', to, '--relay', relay.url]);
    // Less than one window, more than a socket's buffers: the sender has handed all of it over, and has to wait.
    await new Promise<void>((resolve) =>
      dial.child.stdin!.end(randomBytes((15 * MiB) / 16), () => resolve()),
    );
    await listen.stderrMatch(/(is connected)/);
    listen.child.kill('SIGKILL');
    expect(await dial.end()).toEqual(LOST);
  });

  it('fails at both ends when the stdout of one is closed', async () => {
    const listen = sandbox.run(['pipe', 'listen', '--relay', relay.url]);
    const dial = sandbox.run(['pipe', 'connect', await listen.listening(), '--relay', relay.url]);
    listen.child.stdout!.destroy();
    dial.child.stdin!.write(randomBytes(2 * MiB));
    expect(await listen.end()).toEqual({ code: 1, signal: null });
    expect(listen.stderr).toMatch(/^supernode: stdout was closed [^\n]*EPIPE[^\n]*\n/m);
    expect(await dial.end()).toEqual(LOST);
  });

  it('fails at the listener that waits, when its relay is killed', async () => {
    const listen = sandbox.run(['pipe', 'listen', '--relay', relay.url]);
    await listen.listening();
    relay.run.child.kill('SIGKILL');
    expect(await listen.end()).toEqual({ code: 1, signal: null });
    expect(listen.stderr).toMatch(/^supernode: The connection to [^\n]* was lost[^\n]*\n/m);
  });
});
