/**
 * A replay on virtual time: deterministic, a millisecond at a time.
 *
 *   each ms      peers whose time has come (Wheel), whom the trigger ends
 *   each 20 ms   relays with logins waiting look at them (Service)
 *   each step    packets, exits, relays that are up again, the storm (Accounts): a second, or less of a scaled replay
 *   each report  relays report their load (Reports): 60 s, or less of a scaled one
 */
import { MAX_LOGINS_PENDING } from '../../../core/protocol/limits.ts';
import { randomNumbers } from '../../load/random.ts';
import type { Outcome } from '../outcome.ts';
import { loginsPerSec, paceOf } from '../pace.ts';
import {
  armOf,
  BASELINE_MS,
  CASCADE,
  MASS_RESTART,
  MEGA,
  type Plan,
  REQUALIFY_MS,
  TRAFFIC,
  WATCH_MS,
} from '../plan.ts';
import { Accounts } from './accounts.ts';
import { QUEUED_BYTES, SESSION_BYTES, TURN_BYTES } from './costs.ts';
import { Recorder } from './recorder.ts';
import { Relay } from './relay.ts';
import { Reports } from './reports.ts';
import { Service } from './service.ts';
import { LOOK_MS, NAIVE_LIST, RELAY_CRASH_AFTER_MS } from './settings.ts';
import { drawn, Timeline } from './timeline.ts';
import { Wheel } from './wheel.ts';
import { naivePeriodMs, World } from './world.ts';

/** Suppositions that a sensitivity check changes. */
export interface Suppositions {
  /** Share of relays on the old allocation's list. */
  listShare: number;
}

/** Default of Admission, for the bound of memory. */
const MOST_TURNS = 65_536;

/** The whole of it at once. */
export function simulate(plan: Plan, suppositions: Partial<Suppositions> = {}): Outcome {
  const simulation = new Simulation(plan, suppositions);
  while (!simulation.second());
  return simulation.outcome();
}

export class Simulation {
  readonly #plan: Plan;
  #now = 0;
  readonly #random: () => number;
  readonly #sheds: boolean;
  readonly #triggerMs: number;
  readonly #triggerEndMs: number;
  readonly #endMs: number;
  readonly #wheel: Wheel;
  readonly #relays: Relay[];
  readonly #reports: Reports;
  readonly #recorder: Recorder;
  readonly #world: World;
  readonly #service: Service;
  readonly #accounts: Accounts;
  readonly #clientsEnd: Timeline;
  readonly #relaysEnd: Timeline;
  /** When a relay that is up again crashes again; by id. */
  readonly #crashAgainMs = new Map<number, number>();
  readonly #megaAtMs: number;
  readonly #stepMs: number;
  readonly #minuteMs: number;
  #restarts = 0;
  #storm = 0;

  constructor(plan: Plan, suppositions: Partial<Suppositions> = {}) {
    this.#plan = plan;
    const scaled = (ms: number): number => Math.round(ms / plan.timeScale);
    const arm = armOf(plan.arm);
    const cascade = plan.replay === 'cascade';
    this.#random = randomNumbers(plan.seed);
    this.#sheds = arm.overload === 'shed';
    this.#triggerMs = scaled(BASELINE_MS);
    this.#triggerEndMs = this.#triggerMs + scaled(cascade ? CASCADE.triggerMs : MASS_RESTART.withinMs);
    this.#endMs = this.#triggerEndMs + scaled(WATCH_MS);
    this.#megaAtMs = this.#triggerMs + scaled(MEGA.afterMs);
    this.#wheel = new Wheel(plan.peers, this.#endMs, naivePeriodMs(paceOf(plan.timeScale)));
    this.#stepMs = Math.max(LOOK_MS, Math.round(1_000 / plan.timeScale / LOOK_MS) * LOOK_MS);
    this.#minuteMs = Math.max(1, scaled(60_000));
    const megas = Math.round((plan.relays * plan.megaPercent) / 100);
    this.#relays = [];
    for (let id = 0; id < plan.relays; id++) this.#addRelay(1);
    this.#reports = new Reports(this.#random, suppositions.listShare ?? NAIVE_LIST.share);
    this.#recorder = new Recorder(plan, this.#stepMs);
    this.#world = new World(
      plan,
      arm,
      {
        relays: this.#relays,
        wheel: this.#wheel,
        reports: this.#reports,
        recorder: this.#recorder,
        random: this.#random,
      },
      scaled(TRAFFIC.sessionMeanMs),
    );
    this.#service = new Service(this.#world, this.#recorder, this.#sheds);
    const mostRelays = plan.relays + megas;
    this.#accounts = new Accounts(
      this.#world,
      this.#recorder,
      this.#sheds,
      mostRelays,
      this.#stepMs,
      plan.timeScale,
    );
    const shares = cascade
      ? { clients: CASCADE.clientShare, relays: CASCADE.relayShare, withinMs: CASCADE.crashWithinMs }
      : { clients: MASS_RESTART.share, relays: MASS_RESTART.share, withinMs: MASS_RESTART.withinMs };
    this.#world.fill();
    this.#reports.read(this.#relays, 0);
    const share = (of: number): number => Math.min(1, of * plan.trigger);
    const clients = drawn(Math.round(plan.peers * share(shares.clients)), plan.peers, this.#random);
    const relays = drawn(Math.round(plan.relays * share(shares.relays)), plan.relays, this.#random);
    if (cascade) for (const peer of clients) this.#world.peers.crashes[peer] = 1;
    this.#clientsEnd = new Timeline(clients, this.#triggerMs, scaled(shares.withinMs));
    this.#relaysEnd = new Timeline(relays, this.#triggerMs, scaled(shares.withinMs));
  }

  /** A virtual second. @returns whether it was the last one. */
  second(): boolean {
    const end = Math.min(this.#endMs, this.#now + 1_000);
    while (this.#now < end) this.#millisecond(++this.#now);
    return this.#now === this.#endMs;
  }

  /** How much of the replay is over. */
  get share(): number {
    return this.#now / this.#endMs;
  }

  #millisecond(now: number): void {
    this.#wheel.moveTo(now);
    // First, so that nobody who is parked now is counted twice.
    this.#world.again(now);
    for (let peer = this.#wheel.take(); peer >= 0; peer = this.#wheel.take()) this.#world.due(peer, now);
    if (now >= this.#triggerMs) this.#trigger(now);
    if (now % LOOK_MS === 0) this.#service.look(now);
    if (now % this.#stepMs === 0) this.#settle(now);
    if (now % this.#minuteMs === 0) this.#accounts.minute();
    if (now % this.#world.pace.reportMs === 0) this.#reports.read(this.#relays, now);
  }

  #trigger(now: number): void {
    if (now === this.#triggerMs) {
      this.#accounts.begin();
      this.#reports.faulty = true;
    }
    for (let peer = this.#clientsEnd.take(now); peer >= 0; peer = this.#clientsEnd.take(now)) {
      this.#world.crash(peer, now);
    }
    for (let id = this.#relaysEnd.take(now); id >= 0; id = this.#relaysEnd.take(now)) {
      const relay = this.#relays[id]!;
      relay.ended = true;
      if (relay.up) this.#endByTrigger(relay, now);
    }
    if (this.#plan.replay === 'cascade') {
      const lasts = now < this.#triggerEndMs;
      this.#service.storeFactor = lasts ? CASCADE.storeFactor : 1;
      this.#world.chances.crashAgain = lasts ? CASCADE.crashAgain : 0;
    }
    if (now === this.#megaAtMs) this.#addMegas();
  }

  #endByTrigger(relay: Relay, now: number): void {
    this.#restarts++;
    this.#world.end(relay, now, now + this.#between(REQUALIFY_MS));
  }

  /** Operators bring relays of five times the capacity. */
  #addMegas(): void {
    const { relays, megaPercent } = this.#plan;
    const count = Math.round((relays * megaPercent) / 100);
    for (let k = 0; k < count; k++) this.#addRelay(MEGA.factor);
  }

  /** @param factor what it holds, over what others do. */
  #addRelay(factor: number): void {
    const { relayPeers, timeScale } = this.#plan;
    const perSec = timeScale === 1 ? null : loginsPerSec(relayPeers, timeScale) * factor;
    this.#relays.push(new Relay(this.#relays.length, relayPeers * factor, perSec, this.#random));
  }

  #settle(now: number): void {
    for (const relay of this.#relays) {
      if (!relay.up && relay.upAtMs <= now) this.#comesUp(relay, now);
      const crashAtMs = this.#crashAgainMs.get(relay.id);
      if (crashAtMs === undefined || crashAtMs > now) continue;
      this.#crashAgainMs.delete(relay.id);
      if (relay.up) this.#endByTrigger(relay, now);
    }
    if (this.#plan.replay === 'cascade' && now > this.#triggerMs && now < this.#triggerEndMs) {
      this.#stormOf(now);
    }
    this.#reports.settle();
    this.#accounts.step(now, (relay) => {
      this.#world.exits++;
      this.#world.end(relay, now, now + this.#between(REQUALIFY_MS));
    });
  }

  #comesUp(relay: Relay, now: number): void {
    relay.up = true;
    this.#reports.joined(relay, now);
    const again =
      this.#plan.replay === 'cascade' &&
      relay.ended &&
      now < this.#triggerEndMs &&
      this.#random() < CASCADE.crashAgain;
    if (again) this.#crashAgainMs.set(relay.id, now + this.#between(RELAY_CRASH_AFTER_MS));
  }

  /** Restarts that come to nothing ask for logins too: 100 times the usual, after a ramp (workload). */
  #stormOf(now: number): void {
    const usualPerSec = this.#plan.peers / (TRAFFIC.sessionMeanMs / 1_000);
    const rampMs = CASCADE.crashWithinMs / this.#plan.timeScale;
    const ramp = Math.min(1, (now - this.#triggerMs) / rampMs) * CASCADE.loginRamp * this.#plan.trigger;
    this.#storm += (usualPerSec * ramp * this.#stepMs) / 1_000;
    const naive = armOf(this.#plan.arm).clients === 'naive';
    for (; this.#storm >= 1; this.#storm--) {
      const relay = naive ? this.#reports.ofList() : this.#reports.anyUp();
      if (relay !== null) this.#world.storm(relay, now);
    }
  }

  #between({ least, most }: { least: number; most: number }): number {
    return (least + (most - least) * this.#random()) / this.#plan.timeScale;
  }

  outcome(): Outcome {
    const { timeScale } = this.#plan;
    const relays = this.#relays;
    let onSurvivors = 0;
    let broken = 0;
    for (const { id, ended } of relays) {
      if (ended) continue;
      onSurvivors += this.#accounts.calls[id]!;
      broken += this.#accounts.broken[id]!;
    }
    this.#recorder.relativeTo(this.#triggerMs * timeScale);
    const mostPeers = Math.max(...relays.map(({ mostPeers: held }) => held));
    const bound = mostPeers * SESSION_BYTES + MAX_LOGINS_PENDING * QUEUED_BYTES + MOST_TURNS * TURN_BYTES;
    return {
      form: 'simulated',
      plan: this.#plan,
      moments: {
        triggerMs: this.#triggerMs * timeScale,
        triggerEndMs: this.#triggerEndMs * timeScale,
        endMs: this.#endMs * timeScale,
      },
      series: this.#recorder.series,
      asked: this.#recorder.asked,
      exits: this.#world.exits,
      restarts: this.#restarts,
      calls: { onSurvivors: Math.round(onSurvivors), broken: Math.round(broken) },
      queueWaitMs: this.#recorder.queueWait(),
      peerWaitMs: null,
      queueDepth: { most: this.#accounts.queueMost, bound: this.#sheds ? MAX_LOGINS_PENDING : null },
      memoryBytes: { most: this.#accounts.memoryMost, bound: this.#sheds ? bound : null },
      contacts: this.#accounts.contacts,
      notes: { clientsEnded: this.#clientsEnd.length },
    };
  }
}
