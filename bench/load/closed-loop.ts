/**
 * Closed loop: each peer keeps `window` packets under way, so the system sets the pace and no queue grows. PACKET
 * PATH: `arrived` runs per read.
 *
 * Timed is one packet at a time in each direction, the first of a write: from just before that write to the end of
 * the check of the read that brought it. Timing every packet would cost more than checking it.
 */
import { setTimeout as after } from 'node:timers/promises';
import type { Dialect } from './dialect.ts';
import { buildDirections, type Direction, type Joined, type Member } from './directions.ts';
import { LoadFault } from './fault.ts';
import type { ArrivalObserver, Incoming } from './incoming.ts';
import { LatencyRecorder } from './latency.ts';
import type { RunningPhase } from './phase.ts';
import type { Flow, LoadPlan, Measured, Phase } from './plan.ts';
import type { Sender } from './sender.ts';

/** A packet that was jumped over may still come, late: that is another fault than a loss. */
const LATE_MS = 100;

export class ClosedLoop implements RunningPhase, ArrivalObserver {
  readonly directions: Direction[];
  readonly #phase: Phase & { kind: 'closed' };
  readonly #senders: Sender[];
  readonly #starters: Direction[];
  readonly #failed: (fault: LoadFault) => void;
  readonly #latency = new LatencyRecorder();
  #running = false;
  #measuring = false;

  constructor(
    phase: Phase & { kind: 'closed' },
    number: number,
    plan: LoadPlan,
    dialect: Dialect,
    members: readonly Member[],
    calls: readonly Joined[],
    failed: (fault: LoadFault) => void,
  ) {
    this.#phase = phase;
    this.#failed = failed;
    const flows: readonly Flow[] = plan.flows.slice(0, 1);
    const { directions, senders } = buildDirections(dialect, members, calls, {
      flows,
      cyclePackets: () => 2 * phase.window + 1,
      single: phase.messages === 'single',
      scheduleOf: null,
      phase: number,
      observer: this,
    });
    this.directions = directions;
    this.#senders = senders;
    // The peer that all the others talk to only answers; in an echo it has nobody to answer.
    this.#starters = directions.filter(({ byCaller }) => plan.shape === 'pairs' || byCaller);
  }

  async measure(measuring: () => void): Promise<Measured> {
    this.#running = true;
    for (const { outgoing } of this.#starters) {
      outgoing.owe(this.#phase.window);
      outgoing.flush();
    }
    await after(this.#phase.warmupMs);
    measuring();
    this.#measuring = true;
    const startedAtMs = performance.now();
    const cpu = process.cpuUsage();
    const before = this.#arrivals();
    await after(this.#phase.measureMs);
    const now = this.#arrivals();
    const { user, system } = process.cpuUsage(cpu);
    const elapsedMs = performance.now() - startedAtMs;
    this.#measuring = false;
    return {
      kind: 'measured',
      packets: now.packets - before.packets,
      bytes: now.bytes - before.bytes,
      elapsedMs,
      cpuMs: (user + system) / 1000,
      due: null,
      lost: 0,
      histogram: this.#latency.encode(),
    };
  }

  cease(): void {
    this.#running = false;
    for (const sender of this.#senders) sender.clear();
  }

  readEnded(member: number): void {
    if (this.#running) this.#senders[member]!.flush();
  }

  drained(member: number): void {
    this.readEnded(member);
  }

  gaveUp(packets: number): LoadFault | null {
    return new LoadFault('lost', `${packets} packets have not arrived, with nobody sending any more.`);
  }

  arrived(lane: Incoming, first: number, last: number): void {
    if (this.#running) lane.answer.owe(last - first);
    const sentAtMs = lane.from.takeProbe(last);
    if (sentAtMs !== null && this.#measuring) this.#latency.record(performance.now() - sentAtMs);
  }

  missed(lane: Incoming, first: number, last: number): void {
    const message = `${last - first} packets of ${lane.name} were lost after ${first} good ones.`;
    setTimeout(() => this.#failed(new LoadFault('lost', message)), LATE_MS).unref();
  }

  #arrivals(): { packets: number; bytes: number } {
    let packets = 0;
    let bytes = 0;
    for (const { incoming } of this.directions) {
      packets += incoming.received;
      bytes += incoming.receivedBytes;
    }
    return { packets, bytes };
  }
}
