/** What is settled at each step: packets, relays that exit under load, calls that break; and the figures of the step. */
import { CLASSES } from '../outcome.ts';
import { MOST_WAIT_MS } from '../pace.ts';
import {
  CALLS_PER_SESSION,
  FRAMES_PER_SEC,
  NEW_CALLS_PER_SEC,
  QUEUED_BYTES,
  SESSION_BYTES,
  SESSION_MS,
  TURN_BYTES,
} from './costs.ts';
import { OFF, ONLINE } from './peers.ts';
import type { Recorder } from './recorder.ts';
import type { Relay } from './relay.ts';
import { AUDIO_LEAST, MUTE_SECONDS } from './settings.ts';
import type { World } from './world.ts';

const AUDIO = CLASSES.indexOf('audio');
const SIGNAL = CLASSES.indexOf('signal');

export class Accounts {
  readonly #world: World;
  readonly #recorder: Recorder;
  readonly #sheds: boolean;
  /** Of a step. */
  readonly #seconds: number;
  /** Of a session. */
  readonly #newCallsPerSec: number;
  /** Calls of each relay, and those that broke there. */
  readonly calls: Float64Array;
  readonly broken: Float64Array;
  queueMost = 0;
  memoryMost = 0;
  readonly contacts = { most: 0, mean: 0 };

  constructor(
    world: World,
    recorder: Recorder,
    sheds: boolean,
    mostRelays: number,
    stepMs: number,
    timeScale: number,
  ) {
    this.#world = world;
    this.#recorder = recorder;
    this.#sheds = sheds;
    this.#seconds = stepMs / 1_000;
    this.#newCallsPerSec = NEW_CALLS_PER_SEC * timeScale;
    this.calls = new Float64Array(mostRelays);
    this.broken = new Float64Array(mostRelays);
  }

  /** The calls that are under way when the trigger comes. */
  begin(): void {
    this.#world.counting = true;
    for (const relay of this.#world.relays) this.calls[relay.id]! += relay.sessions * CALLS_PER_SESSION;
  }

  /** @param exit ends a relay that had too much to do. */
  step(now: number, exit: (relay: Relay) => void): void {
    const { relays, peers, counting, pace } = this.#world;
    const seconds = this.#seconds;
    const { offered, served, counts } = this.#recorder;
    let capacityPeers = 0;
    let relaysUp = 0;
    let loadMost = 0;
    let loads = 0;
    let queueMost = 0;
    let roomMs = 0;
    for (const relay of relays) {
      if (!relay.up) {
        this.#clear(relay);
        continue;
      }
      relay.forward(this.#sheds, seconds, now);
      if (counting) this.#hear(relay);
      for (let k = 0; k < CLASSES.length; k++) {
        offered[k]! += relay.offered[k]!;
        served[k]! += relay.served[k]!;
      }
      offered[SIGNAL]! += relay.contactMs;
      capacityPeers += relay.mostPeers;
      relaysUp++;
      roomMs += relay.budgetMs * seconds;
      loadMost = Math.max(loadMost, relay.load);
      loads += relay.load;
      const { waiting } = relay;
      queueMost = Math.max(queueMost, waiting);
      const bytes =
        relay.sessions * SESSION_BYTES + waiting * QUEUED_BYTES + relay.admission.turns * TURN_BYTES;
      this.memoryMost = Math.max(this.memoryMost, bytes);
      relay.secondsOver = !this.#sheds && this.#isOver(relay, now) ? relay.secondsOver + seconds : 0;
      this.#clear(relay);
      if (relay.secondsOver * 1_000 < pace.exitAfterMs - 0.5) continue;
      if (counting) this.broken[relay.id]! += relay.sessions * CALLS_PER_SESSION;
      exit(relay);
    }
    this.queueMost = Math.max(this.queueMost, queueMost);
    const online = peers.counts[ONLINE]!;
    counts.signals += online * (FRAMES_PER_SEC.signal + FRAMES_PER_SEC.bulk) * seconds;
    this.#recorder.step(now, {
      online,
      wanting: peers.count - peers.counts[OFF]!,
      capacityPeers,
      relaysUp,
      loadMost,
      loadMean: relaysUp > 0 ? loads / relaysUp : 0,
      queueMost,
      roomMs,
      sessionMs: online * SESSION_MS * seconds,
    });
  }

  /** Each minute of the replay. */
  minute(): void {
    const { relays, counting } = this.#world;
    let most = 0;
    let all = 0;
    for (const relay of relays) {
      most = Math.max(most, relay.contacts);
      all += relay.contacts;
      relay.contacts = 0;
    }
    if (counting && most > this.contacts.most)
      Object.assign(this.contacts, { most, mean: all / relays.length });
  }

  /** More to do than it can. Where a rate stands for its processor, as in a real replay, a login that waits too long shows it. */
  #isOver(relay: Relay, now: number): boolean {
    if (relay.sessionMs * this.#seconds + relay.contactMs > relay.budgetMs * this.#seconds) return true;
    const { queue, loginsPerSec } = relay;
    return loginsPerSec !== null && queue.size > 0 && now - queue.sinceMs > MOST_WAIT_MS;
  }

  #clear(relay: Relay): void {
    relay.contactMs = 0;
    relay.loginMs = 0;
  }

  /** A call that hears too little for too long is given up. */
  #hear(relay: Relay): void {
    this.calls[relay.id]! += relay.sessions * this.#newCallsPerSec * this.#seconds;
    const audio = relay.offered[AUDIO]! > 0 ? relay.served[AUDIO]! / relay.offered[AUDIO]! : 1;
    relay.secondsMute = audio < AUDIO_LEAST ? relay.secondsMute + this.#seconds : 0;
    if (relay.secondsMute < MUTE_SECONDS) return;
    this.broken[relay.id]! += relay.sessions * CALLS_PER_SESSION;
    relay.secondsMute = 0;
  }
}
