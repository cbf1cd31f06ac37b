/** Scenario `login-storm`: logins as fast as the relay takes them, or at a rate, with calls in progress beside them. */
import { setTimeout as after } from 'node:timers/promises';
import { LoadFault } from '../fault.ts';
import type { CallsResult } from './calls.ts';
import type { CallsBeside } from './calls-beside.ts';
import { newIdentities } from './crowd.ts';
import { faultOf } from './deadline.ts';
import { Draws } from './draws.ts';
import { DueTimes } from './due-times.ts';
import { LoginCounts } from './login-counts.ts';
import { LoginCrowd } from './login-crowd.ts';
import { measureSpan } from './operation.ts';
import { type Paced, Pacer } from './pacer.ts';
import { refusePhase } from './refuse-phase.ts';
import type { RunningScenario, Totals } from './running-scenario.ts';
import type { LoginStormPlan, LoginStormResult, ScenarioPhase } from './scenario.ts';
import { Switchboard } from './switchboard.ts';

type LoginPhase = Extract<ScenarioPhase, { kind: 'logins-closed' | 'logins-open' }>;

/** Logins under way while tickets are fetched. */
const PREPARING = 64;
const PREPARE_DEADLINE_MS = 45_000;
/** Logins under way when a phase ends must end too. */
const DRAIN_DEADLINE_MS = 25_000;
const POLL_MS = 5;

export class LoginStorm implements RunningScenario<ScenarioPhase, LoginStormResult> {
  readonly #plan: LoginStormPlan;
  readonly #counts = new LoginCounts();
  readonly #switchboard: Switchboard;
  readonly #pacer: Pacer;
  readonly #fail: (fault: LoadFault) => void;
  readonly #calls: CallsBeside | null;
  #crowd: LoginCrowd | null = null;
  /** Begins what may begin now. */
  #pump: () => void = () => {};

  /** @param calls that go on beside the logins; null: none. */
  constructor(plan: LoginStormPlan, fail: (fault: LoadFault) => void, calls: CallsBeside | null) {
    this.#plan = plan;
    this.#calls = calls;
    this.#fail = fail;
    this.#switchboard = new Switchboard(fail);
    this.#pacer = new Pacer((error) => fail(faultOf(error)));
  }

  async connect(): Promise<number> {
    const { address, peers, seed } = this.#plan;
    this.#crowd = new LoginCrowd(address, newIdentities(peers), new Draws(seed), this.#counts, {
      offered: (peer, offer) => this.#switchboard.offered(peer, offer),
      broke: this.#fail,
      freed: () => this.#pump(),
    });
    return (await this.#calls?.connect()) ?? 0;
  }

  async run(phase: ScenarioPhase, measuring: () => void): Promise<LoginStormResult> {
    if (phase.kind !== 'logins-closed' && phase.kind !== 'logins-open')
      return refusePhase('login-storm', phase);
    const crowd = this.#crowd!;
    if (phase.proof === 'ticket') await this.#fetchTickets(crowd);
    crowd.prove(phase.proof);
    const stopBeginning = this.#beginLogins(crowd, phase);
    await after(phase.warmupMs);
    this.#counts.reset();
    measuring();
    const { login, handshake } = this.#counts;
    const calls = this.#calls?.measure(phase.measureMs);
    const span = await measureSpan([login, handshake], phase.measureMs, this.#pacer);
    const result = this.#result(phase, crowd, span, (await calls) ?? null);
    stopBeginning();
    crowd.stopWaiting();
    await this.#drained(crowd, DRAIN_DEADLINE_MS);
    return result;
  }

  async stop(): Promise<Totals> {
    const totals = await this.#calls?.stop();
    this.abandon();
    return totals ?? { packets: 0, lost: 0 };
  }

  abandon(): void {
    this.#pump = () => {};
    this.#pacer.stop();
    this.#crowd?.leave();
    this.#calls?.abandon();
  }

  /** Every peer that has no ticket logs in once; one that is refused goes without. */
  async #fetchTickets(crowd: LoginCrowd): Promise<void> {
    crowd.prove('signature');
    let left = crowd.withoutTicket;
    this.#pump = () => {
      while (left > 0 && crowd.trying < PREPARING && crowd.begin(performance.now())) left--;
    };
    this.#pump();
    const deadline = performance.now() + PREPARE_DEADLINE_MS;
    while ((left > 0 || crowd.trying > 0) && performance.now() < deadline) await after(POLL_MS);
    this.#pump = () => {};
    crowd.stopWaiting();
    await this.#drained(crowd, DRAIN_DEADLINE_MS);
  }

  /** @returns what ends it. */
  #beginLogins(crowd: LoginCrowd, phase: LoginPhase): () => void {
    if (phase.kind === 'logins-closed') {
      this.#pump = () => {
        while (crowd.trying < phase.concurrency && crowd.begin(performance.now()));
      };
      this.#pump();
      return () => {
        this.#pump = () => {};
      };
    }
    // Logins that are due while every peer is busy wait here, and their latency with them.
    const overdue = new DueTimes();
    this.#pump = () => {
      while (overdue.size > 0 && crowd.begin(overdue.first)) overdue.take();
    };
    const gapMs = 1000 / phase.ratePerSec;
    let nextDueAtMs = performance.now();
    const clock: Paced = {
      get nextDueAtMs() {
        return nextDueAtMs;
      },
      sendDue: (nowMs: number) => {
        for (; nextDueAtMs <= nowMs; nextDueAtMs += gapMs) {
          overdue.add(nextDueAtMs);
          this.#counts.login.countDue(nextDueAtMs);
        }
        this.#pump();
      },
    };
    const source = { eachDueAtMs: (visit: (dueAtMs: number) => void) => overdue.each(visit) };
    this.#counts.login.addSource(source);
    this.#pacer.add(clock);
    return () => {
      this.#pacer.remove(clock);
      this.#counts.login.removeSource(source);
      this.#pump = () => {};
    };
  }

  #result(
    phase: LoginPhase,
    crowd: LoginCrowd,
    span: { elapsedMs: number; cpuMs: number; endedAtMs: number },
    calls: CallsResult | null,
  ): LoginStormResult {
    const { login, handshake, refused, retry, ticketsRefused } = this.#counts;
    return {
      kind: 'login-storm',
      elapsedMs: span.elapsedMs,
      cpuMs: span.cpuMs + (calls?.cpuMs ?? 0),
      proof: phase.proof,
      login: login.result(span.endedAtMs, phase.kind === 'logins-open'),
      handshake: handshake.result(span.endedAtMs, false),
      refused: { ...refused },
      retry: { ...retry },
      givenUp: crowd.givenUp,
      ticketsRefused,
      audio: calls?.audio ?? null,
    };
  }

  async #drained(crowd: LoginCrowd, deadlineMs: number): Promise<void> {
    const deadline = performance.now() + deadlineMs;
    while (crowd.trying > 0) {
      if (performance.now() > deadline) {
        throw new LoadFault(
          'broken',
          `${crowd.trying} logins had no answer ${deadlineMs} ms after the last began.`,
        );
      }
      await after(POLL_MS);
    }
    // Refused at the very end.
    crowd.stopWaiting();
  }
}
