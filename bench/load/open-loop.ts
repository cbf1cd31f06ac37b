/**
 * Open loop: every packet has a time at which it is due, whatever the system does. Latency counts from then, so the
 * time that a packet waited because the system (or this process) was behind is in it: no coordinated omission. Both
 * ends of a call are in this process, so a packet carries no time. PACKET PATH.
 */
import { setTimeout as after } from 'node:timers/promises';
import type { Dialect } from './dialect.ts';
import { buildDirections, type Direction, type Joined, type Member } from './directions.ts';
import { DueTimes } from './due-times.ts';
import type { LoadFault } from './fault.ts';
import type { ArrivalObserver, Incoming } from './incoming.ts';
import { LatencyRecorder } from './latency.ts';
import type { Schedule } from './outgoing.ts';
import { Pacer } from './pacer.ts';
import type { RunningPhase } from './phase.ts';
import type { Flow, LoadPlan, Measured, Phase } from './plan.ts';
import { randomNumbers } from './random.ts';
import type { Sender } from './sender.ts';

/** So that the first packets are not late already. */
const LEAD_MS = 20;
/** Packets of a cycle: what is due in this time, within bounds, and all cycles together within a bound as well. */
const CYCLE_MS = 2_000;
const MIN_CYCLE_PACKETS = 16;
const MAX_CYCLE_PACKETS = 256;
const ALL_CYCLES_LIMIT_BYTES = 256 * 1024 * 1024;
/** A packet that was due in the measured time is waited for this long, at least; sending goes on meanwhile. */
const ARRIVAL_WAIT_MS = 1_000;
const POLL_MS = 2;
const PHASE_SEED = 7;

function meanBytes({ sizes }: Flow): number {
  if ('bytes' in sizes) return sizes.bytes;
  return sizes.oneOf.reduce((sum, bytes) => sum + bytes, 0) / sizes.oneOf.length;
}

export class OpenLoop implements RunningPhase, ArrivalObserver {
  readonly directions: Direction[];
  readonly #phase: Phase & { kind: 'open' };
  readonly #senders: Sender[];
  readonly #due: DueTimes[];
  readonly #pacer: Pacer;
  readonly #latency = new LatencyRecorder();
  #from = Number.POSITIVE_INFINITY;
  #to = Number.POSITIVE_INFINITY;
  #packets = 0;
  #bytes = 0;

  constructor(
    phase: Phase & { kind: 'open' },
    number: number,
    plan: LoadPlan,
    dialect: Dialect,
    members: readonly Member[],
    calls: readonly Joined[],
  ) {
    this.#phase = phase;
    const random = randomNumbers(PHASE_SEED);
    const everyMs = (flow: Flow) => (flow.burst * 1000) / (flow.ratePerSec * phase.rateFactor);
    const directionBytes = plan.flows.reduce((sum, flow) => sum + meanBytes(flow), 0) * 2;
    const affordable = ALL_CYCLES_LIMIT_BYTES / (directionBytes * 2 * calls.length);
    const { directions, senders } = buildDirections(dialect, members, calls, {
      flows: plan.flows,
      cyclePackets: (flow) => {
        const wanted = Math.min(MAX_CYCLE_PACKETS, affordable, (CYCLE_MS / everyMs(flow)) * flow.burst);
        return Math.max(MIN_CYCLE_PACKETS, 2 * flow.burst, Math.ceil(wanted));
      },
      single: typeof dialect.framing === 'object' && !dialect.framing.sharesBursts,
      scheduleOf: (flow): Schedule => ({
        firstMs: random() * everyMs(flow),
        everyMs: everyMs(flow),
        burst: flow.burst,
      }),
      phase: number,
      observer: this,
    });
    this.directions = directions;
    this.#senders = senders;
    const ofFlow = (f: number) => directions.slice(f * 2 * calls.length, (f + 1) * 2 * calls.length);
    this.#due = plan.flows.map((_, f) => new DueTimes(ofFlow(f).map(({ outgoing }) => outgoing)));
    this.#pacer = new Pacer(this.#due);
  }

  async measure(measuring: () => void): Promise<Measured> {
    const { warmupMs, measureMs } = this.#phase;
    const startMs = performance.now() + LEAD_MS;
    for (const { outgoing } of this.directions) outgoing.schedule!.firstMs += startMs;
    this.#from = startMs + warmupMs;
    this.#to = this.#from + measureMs;
    this.#pacer.start(startMs);
    await after(this.#from - performance.now());
    measuring();
    const startedAtMs = performance.now();
    const cpu = process.cpuUsage();
    await after(this.#to - performance.now());
    const { user, system } = process.cpuUsage(cpu);
    const elapsedMs = performance.now() - startedAtMs;
    const due = this.#due.reduce((sum, times) => sum + times.between(this.#from, this.#to), 0);
    await this.#wait(due);
    return {
      kind: 'measured',
      packets: this.#packets,
      bytes: this.#bytes,
      elapsedMs,
      cpuMs: (user + system) / 1000,
      due,
      lost: this.#lost(),
      histogram: this.#latency.encode(),
    };
  }

  cease(): void {
    this.#pacer.stop();
    for (const sender of this.#senders) sender.clear();
    // What arrives from now on is checked and not measured.
    this.#to = 0;
  }

  readEnded(_member: number): void {}

  drained(member: number): void {
    this.#senders[member]!.flush();
  }

  gaveUp(_packets: number): LoadFault | null {
    for (const { incoming } of this.directions) incoming.giveUp();
    return null;
  }

  arrived(lane: Incoming, first: number, last: number): void {
    const now = performance.now();
    const { firstMs, everyMs, burst } = lane.from.schedule!;
    for (let number = first; number < last; number++) {
      const dueMs = firstMs + Math.floor(number / burst) * everyMs;
      if (dueMs < this.#from || dueMs >= this.#to) continue;
      this.#latency.record(now - dueMs);
      this.#packets++;
      this.#bytes += lane.cycle.payloadBytesOf(number);
    }
  }

  missed(): void {}

  #lost(): number {
    return this.directions.reduce((sum, { incoming }) => sum + incoming.lost, 0);
  }

  async #wait(due: number): Promise<void> {
    const deadline = performance.now() + ARRIVAL_WAIT_MS;
    while (this.#packets + this.#lost() < due && performance.now() < deadline) await after(POLL_MS);
  }
}
