/**
 * The load of one process, in any dialect: connects peers, sets up their calls, runs phases on them one after the
 * other, and lets nothing pass unchecked. What ends the run is told once, by `failed`.
 */
import { setTimeout as after } from 'node:timers/promises';
import { ClosedLoop } from './closed-loop.ts';
import type { Dialect } from './dialect.ts';
import type { Joined, Member } from './directions.ts';
import type { LoadFault } from './fault.ts';
import { Inbox, type InboxOwner } from './inbox.ts';
import { OpenLoop } from './open-loop.ts';
import { pairUp } from './pairs.ts';
import type { RunningPhase } from './phase.ts';
import type { LoadPlan, Measured, Phase } from './plan.ts';

/** Far below every relay's limit of logins under way, and enough to keep it busy. */
const CONNECTING_AT_ONCE = 64;
const CALLS_AT_ONCE = 32;
/** A packet that has not come this long after everybody stopped sending is lost. */
const ARRIVAL_DEADLINE_MS = 5_000;
const POLL_MS = 2;

/** Runs `work` for 0..count-1, so many at a time, begun in this order. */
async function inTurn(count: number, atOnce: number, work: (index: number) => Promise<void>): Promise<void> {
  let next = 0;
  const lane = async () => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, count) }, lane));
}

export class Engine implements InboxOwner {
  readonly #plan: LoadPlan;
  readonly #dialect: Dialect;
  readonly #members: Member[] = [];
  readonly #calls: Joined[] = [];
  readonly #onfailure: (fault: LoadFault) => void;
  readonly #arrivalDeadlineMs: number;
  #failure: LoadFault | null = null;
  #phase: RunningPhase | null = null;
  #phases = 0;
  #packets = 0;
  #lost = 0;

  /**
   * @param onfailure is called at most once; nothing this engine says afterwards counts.
   * @param arrivalDeadlineMs how long `settle` waits for what is under way.
   */
  constructor(
    plan: LoadPlan,
    dialect: Dialect,
    onfailure: (fault: LoadFault) => void,
    arrivalDeadlineMs = ARRIVAL_DEADLINE_MS,
  ) {
    this.#plan = plan;
    this.#dialect = dialect;
    this.#onfailure = onfailure;
    this.#arrivalDeadlineMs = arrivalDeadlineMs;
  }

  async connect(): Promise<void> {
    const { address, peers, flows } = this.#plan;
    const dialect = this.#dialect;
    await inTurn(peers, CONNECTING_AT_ONCE, async (index) => {
      let inbox: Inbox | null = null;
      const peer = await dialect.connect(address, index, (reader) => {
        inbox = new Inbox(index, reader, this, dialect.framing === 'datagrams');
        return inbox;
      });
      if (inbox === null) throw new Error('A dialect made a peer without a receiver.');
      this.#members[index] = { peer, inbox };
    });
    const pairs = pairUp(this.#plan);
    await inTurn(pairs.length, dialect.callsAtOnce ?? CALLS_AT_ONCE, async (index) => {
      const [caller, callee] = pairs[index]!;
      const call = await dialect.call(this.#members[caller]!.peer, this.#members[callee]!.peer, flows);
      this.#calls[index] = { caller, callee, call };
    });
  }

  /** Runs one phase; its measured time begins with the call of `measuring`. */
  async run(phase: Phase, measuring: () => void): Promise<Measured> {
    if (this.#phase !== null) throw new Error('A phase began before the one before it had been settled.');
    const common = [this.#phases++, this.#plan, this.#dialect, this.#members, this.#calls] as const;
    const running =
      phase.kind === 'closed'
        ? new ClosedLoop(phase, ...common, (fault) => this.failed(fault))
        : new OpenLoop(phase, ...common);
    this.#phase = running;
    return await running.measure(measuring);
  }

  /** Ends the sending of the phase, and waits until what was sent has arrived. */
  async settle(): Promise<void> {
    const phase = this.#phase;
    if (phase === null) return;
    phase.cease();
    const missing = () =>
      phase.directions.reduce((sum, { outgoing, incoming }) => sum + outgoing.sent - incoming.number, 0);
    const deadline = performance.now() + this.#arrivalDeadlineMs;
    while (missing() > 0 && performance.now() < deadline && this.#failure === null) await after(POLL_MS);
    const late = missing();
    if (late > 0) {
      const fault = phase.gaveUp(late);
      if (fault !== null) this.failed(fault);
    }
    for (const { incoming } of phase.directions) {
      this.#packets += incoming.received;
      this.#lost += incoming.lost;
    }
    this.#phase = null;
  }

  /** Ends the connections. @returns what arrived and what was lost over all phases. */
  async stop(): Promise<{ packets: number; lost: number }> {
    await this.settle();
    this.destroy();
    return { packets: this.#packets, lost: this.#lost };
  }

  destroy(): void {
    for (const member of this.#members) member?.peer.destroy();
    this.#dialect.close?.();
  }

  readEnded(inbox: Inbox): void {
    this.#phase?.readEnded(inbox.index);
  }

  drained(inbox: Inbox): void {
    this.#phase?.drained(inbox.index);
  }

  failed(fault: LoadFault): void {
    if (this.#failure !== null) return;
    this.#failure = fault;
    this.#onfailure(fault);
  }
}
