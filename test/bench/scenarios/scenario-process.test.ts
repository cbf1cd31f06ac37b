import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { FromScenario, ScenarioPlan, ToScenario } from '../../../bench/load/scenarios/scenario.ts';
import { startBareRelay } from '../../fixtures/relay.ts';
import { killableRelay, killWithTest } from './run-scenario.ts';

const SCENARIO = fileURLToPath(new URL('../../../bench/load/scenarios/scenario-process.ts', import.meta.url));
class ScenarioUnderTest {
  readonly process = fork(SCENARIO, { execArgv: ['--import', 'tsx'] });
  readonly #inbox: FromScenario[] = [];
  #wake: () => void = () => {};

  constructor() {
    killWithTest(this.process);
    this.process.on('message', (message: FromScenario) => {
      this.#inbox.push(message);
      this.#wake();
    });
  }

  tell(message: ToScenario): void {
    this.process.send(message);
  }

  /** The test's own deadline ends a wait for what never comes. */
  async next<K extends FromScenario['kind']>(kind: K): Promise<Extract<FromScenario, { kind: K }>> {
    while (this.#inbox.length === 0) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const message = this.#inbox.shift()!;
    expect(message).toMatchObject({ kind });
    return message as Extract<FromScenario, { kind: K }>;
  }
}

function plan(address: string, kind: ScenarioPlan['kind']): ScenarioPlan {
  const all = { address, peers: 20, seed: 1 };
  switch (kind) {
    case 'idle':
      return { ...all, kind, keepAliveMs: 200, concurrency: 10 };
    case 'login-storm':
      return { ...all, kind, calls: 3 };
    case 'login-cost':
      return { ...all, kind };
    case 'login-flood':
      return { ...all, kind, keys: 30 };
    case 'supernode':
      return { ...all, kind, concurrency: 10, audio: '160x50', compression: 500, presence: 'watches' };
  }
}

const times = { warmupMs: 20, measureMs: 200 };

describe('a scenario process', () => {
  it('goes through its phases, again after a disconnect, and ends', async () => {
    const relay = await startBareRelay();
    const scenario = new ScenarioUnderTest();
    for (let round = 0; round < 2; round++) {
      scenario.tell({ kind: 'connect', plan: plan(relay.url, 'idle') });
      expect((await scenario.next('connected')).peers).toBe(20);
      if (round === 0) {
        scenario.tell({ kind: 'disconnect' });
        await scenario.next('disconnected');
      }
    }
    scenario.tell({ kind: 'run', phase: { kind: 'steady', ...times } });
    await scenario.next('measuring');
    expect((await scenario.next('measured')).result).toMatchObject({ kind: 'idle', peers: 20 });
    scenario.tell({ kind: 'stop' });
    expect(await scenario.next('stopped')).toEqual({ kind: 'stopped', packets: 0, lost: 0 });
    expect(await once(scenario.process, 'exit')).toEqual([0, null]);
  });

  it('has calls beside a storm of logins, in a process of their own, and loses none of their packets', async () => {
    const relay = await startBareRelay();
    const scenario = new ScenarioUnderTest();
    scenario.tell({ kind: 'connect', plan: plan(relay.url, 'login-storm') });
    expect((await scenario.next('connected')).peers).toBe(6);
    const phase = { kind: 'logins-closed', proof: 'signature', concurrency: 4, ...times } as const;
    scenario.tell({ kind: 'run', phase });
    await scenario.next('measuring');
    const { result } = await scenario.next('measured');
    if (result.kind !== 'login-storm') throw new Error(`The result is of ${result.kind}.`);
    expect(result.login.done).toBeGreaterThan(0);
    expect(result.audio!.due).toBeGreaterThan(0);
    expect(result.audio!.lost).toBe(0);
    scenario.tell({ kind: 'stop' });
    const { packets, lost } = await scenario.next('stopped');
    expect(packets).toBeGreaterThanOrEqual(result.audio!.done);
    expect(lost).toBe(0);
    await once(scenario.process, 'exit');
  });

  it('says that it is broken when the relay is killed, and ends', async () => {
    const relay = await killableRelay();
    const scenario = new ScenarioUnderTest();
    scenario.tell({ kind: 'connect', plan: plan(relay.url, 'supernode') });
    await scenario.next('connected');
    scenario.tell({ kind: 'run', phase: { kind: 'steady', warmupMs: 0, measureMs: 60_000 } });
    await scenario.next('measuring');
    relay.kill();
    expect(await scenario.next('failed')).toMatchObject({ fault: 'broken' });
    expect(await once(scenario.process, 'exit')).toEqual([1, null]);
  });

  it('says what is wrong with a message out of turn', async () => {
    const scenario = new ScenarioUnderTest();
    scenario.tell({ kind: 'run', phase: { kind: 'steady', ...times } });
    expect(await scenario.next('failed')).toMatchObject({
      message: 'There is no scenario: connect comes first.',
    });
  });
});
