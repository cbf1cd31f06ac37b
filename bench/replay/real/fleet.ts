/**
 * The relays of a real replay: each a process that is started, killed, and started again on its port.
 *
 *   down --start--> starting --listening--> up --kill, exit--> down
 */
import { join } from 'node:path';
import { letGiveWay } from '../../run/give-way.ts';
import type { RelayReport } from '../relay-list.ts';
import { ReplayChild } from './child.ts';
import type { FromRelay, RelayOrder, RelaySample } from './messages.ts';

export interface FleetHost {
  up(relay: number, address: string, report: RelayReport): void;
  /** A relay has ended that nobody has killed. */
  exited(relay: number, overloaded: boolean, how: string): void;
  failed(message: string): void;
}

interface Relay {
  order: RelayOrder;
  child: ReplayChild<never, FromRelay> | null;
  address: string;
  isUp: boolean;
  /** While it starts. */
  givesWay: boolean;
  isKilled: boolean;
  overloaded: boolean;
  sample: RelaySample | null;
  /** What its sample said of logins when `watchLogins` was called. */
  timesBefore: number[];
  /** Resident memory at the first sample. */
  startBytes: number;
}

export interface FleetNumbers {
  /** Up or not. */
  relays: number;
  up: number;
  capacityPeers: number;
  loadMost: number;
  loadMean: number;
  queueMost: number;
}

export class Fleet {
  readonly #host: FleetHost;
  readonly #relays: Relay[] = [];
  /**
   * A relay that comes back starts with what the others leave: on a machine of its own it would take nothing from them. Only
   * where that can be taken back (canGiveWayForAWhile).
   */
  startsGiveWay = false;
  #isClosing = false;
  /** Over all samples. */
  mostQueued = 0;
  mostGrownBytes = 0;
  mostRssBytes = 0;
  /** Of relays that have ended, since `watchLogins`: logins by how long they took (LOGIN_BOUNDS_MS). */
  readonly #endedTimes: number[] = [];

  constructor(host: FleetHost) {
    this.#host = host;
  }

  get addresses(): string[] {
    return this.#relays.map(({ address }) => address);
  }

  get directories(): string[] {
    return this.#relays.map(({ order }) => order.directory);
  }

  /** @returns the number of the relay; `host.up` says when it listens. */
  add(order: Omit<RelayOrder, 'index' | 'port' | 'directory'>, folder: string): number {
    const index = this.#relays.length;
    const directory = join(folder, `relay-${index}`);
    this.#relays.push({
      order: { ...order, index, port: 0, directory },
      child: null,
      address: '',
      isUp: false,
      givesWay: false,
      isKilled: false,
      overloaded: false,
      sample: null,
      timesBefore: [],
      startBytes: 0,
    });
    this.start(index);
    return index;
  }

  start(index: number): void {
    const relay = this.#relays[index]!;
    if (relay.child || this.#isClosing) return;
    relay.isKilled = relay.overloaded = false;
    const child: ReplayChild<never, FromRelay> = new ReplayChild('relay-process', relay.order, {
      heard: (message) => this.#heard(index, relay, message),
      ended: (how) => this.#ended(index, relay, how),
    });
    relay.child = child;
    relay.givesWay = this.startsGiveWay && relay.address !== '';
    if (relay.givesWay) void letGiveWay(child.pid, true);
  }

  /** SIGKILL. */
  async kill(index: number): Promise<void> {
    const relay = this.#relays[index]!;
    relay.isKilled = true;
    await relay.child?.kill();
  }

  isUp(index: number): boolean {
    return this.#relays[index]!.isUp;
  }

  numbers(): FleetNumbers {
    const up = this.#relays.filter(({ isUp }) => isUp);
    const loads = up.map(({ order, sample }) => (sample?.sessions ?? 0) / order.peers);
    return {
      relays: this.#relays.length,
      up: up.length,
      capacityPeers: up.reduce((sum, { order }) => sum + order.peers, 0),
      loadMost: Math.max(0, ...loads),
      loadMean: loads.length === 0 ? 0 : loads.reduce((sum, load) => sum + load, 0) / loads.length,
      queueMost: Math.max(0, ...up.map(({ sample }) => sample?.queued ?? 0)),
    };
  }

  /** From here on logins count. */
  watchLogins(): void {
    this.#endedTimes.length = 0;
    for (const relay of this.#relays) relay.timesBefore = relay.sample?.loginTimes ?? [];
  }

  /** Logins since then by how long they took at all relays. What one has not told when it is killed is lost: a sample's worth. */
  loginTimes(): number[] {
    const times = [...this.#endedTimes];
    for (const relay of this.#relays) addTimes(times, relay);
    return times;
  }

  /** What each has told of itself; null: it is down. */
  reports(): (RelayReport | null)[] {
    return this.#relays.map((relay) => (relay.isUp ? reportOf(relay) : null));
  }

  async close(): Promise<void> {
    this.#isClosing = true;
    await Promise.all(this.#relays.map(({ child }) => child?.kill()));
  }

  #heard(index: number, relay: Relay, message: FromRelay): void {
    switch (message.kind) {
      case 'listening':
        void this.#listens(index, relay, message.address);
        return;
      case 'sample':
        if (relay.sample === null) relay.startBytes = message.rssBytes;
        relay.sample = message;
        this.mostQueued = Math.max(this.mostQueued, message.queued);
        this.mostRssBytes = Math.max(this.mostRssBytes, message.rssBytes);
        this.mostGrownBytes = Math.max(this.mostGrownBytes, message.rssBytes - relay.startBytes);
        return;
      case 'overloaded':
        relay.overloaded = true;
        return;
      case 'failed':
        relay.isKilled = true;
        this.#host.failed(`Relay ${index} did not start: ${message.message}`);
    }
  }

  async #listens(index: number, relay: Relay, address: string): Promise<void> {
    const { child } = relay;
    const isBack = !relay.givesWay || (await letGiveWay(child!.pid, false));
    // It may have been killed meanwhile.
    if (relay.child !== child) return;
    // At that priority it would be measured as a slow relay.
    if (!isBack) return this.#host.failed(`Relay ${index} did not get its priority back.`);
    relay.address = address;
    relay.order.port = Number(new URL(address).port);
    relay.isUp = true;
    this.#host.up(index, address, reportOf(relay));
  }

  #ended(index: number, relay: Relay, how: string): void {
    const wasUp = relay.isUp;
    addTimes(this.#endedTimes, relay);
    relay.child = null;
    relay.isUp = false;
    relay.sample = null;
    relay.timesBefore = [];
    if (this.#isClosing || relay.isKilled) return;
    if (!wasUp) this.#host.failed(`Relay ${index} ${how} before it listened.`);
    else this.#host.exited(index, relay.overloaded, how);
  }
}

function reportOf({ sample, order }: Relay): RelayReport {
  const { sessions = 0, queued: waiting = 0 } = sample ?? {};
  return { sessions, waiting, mostPeers: order.peers, loginsPerSec: order.loginsPerSec };
}

function addTimes(times: number[], { sample, timesBefore }: Relay): void {
  for (const [at, count] of (sample?.loginTimes ?? []).entries()) {
    times[at] = (times[at] ?? 0) + count - (timesBefore[at] ?? 0);
  }
}
