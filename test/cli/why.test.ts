import { connect } from 'supernode/client';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Run, Sandbox } from './run-cli.ts';

let sandbox: Sandbox;
beforeEach(async () => {
  sandbox = await Sandbox.create();
});
afterEach(() => sandbox.remove());

async function ended(run: Run, code: number): Promise<Run> {
  expect({ ...(await run.end()), stderr: run.stderr }).toMatchObject({ code });
  return run;
}

describe('supernode why', () => {
  it('tells of two peers that nothing was dropped, then what was refused, by name as well', async () => {
    const relay = await sandbox.relay();
    const [ann, bob] = [await connect(relay.url), await connect(relay.url)];
    try {
      await ann.publish({ name: 'ann' });
      const quiet = await ended(sandbox.run(['why', ann.id, bob.id, '--minutes', '1']), 0);
      expect(quiet.text).toBe(
        `Nothing between ${ann.id} and ${bob.id} was dropped, throttled or refused in the last minute.\n`,
      );
      await bob.policy.set({ reach: 'nobody' });
      await expect(ann.open(bob.id)).rejects.toMatchObject({ reason: 'not-found' });
      const run = await ended(sandbox.run(['why', 'ann', bob.id]), 0);
      expect(run.text).toMatch(/refused: not-reachable +1 /);
      expect(run.text).toContain('presence and policy of the other');
      expect(run.text).toContain('whom its policy lets reach it');
      const json = await ended(sandbox.run(['why', bob.id, '--json', '--url', relay.url]), 0);
      expect(JSON.parse(json.text)).toMatchObject({
        peer: bob.id,
        other: null,
        items: [{ reason: 'not-reachable', peer: ann.id, other: bob.id, count: 1 }],
      });
    } finally {
      await ann.close();
      await bob.close();
    }
  });

  it('says what is wrong with what it was asked', async () => {
    const relay = await sandbox.relay();
    expect((await ended(sandbox.run(['why']), 2)).stderr).toContain('PEER');
    expect((await ended(sandbox.run(['why', 'a', 'b', 'c']), 2)).stderr).toContain('one peer or two');
    expect((await ended(sandbox.run(['why', 'ann', '--minutes', '16']), 2)).stderr).toContain('1 to 15');
    expect((await ended(sandbox.run(['why', 'ann']), 3)).stderr).toContain('Nobody has the name ann');
    expect((await ended(sandbox.run(['why', 'a b']), 2)).stderr).toMatch(/^supernode: [^\n]+\n$/);
    relay.run.child.kill('SIGTERM');
    await relay.run.end();
    await ended(sandbox.run(['why', 'ann']), 1);
  });
});
