/** What is settled each second: packets, relays that exit under load, calls that break; and the figures of the second. */
import { CLASSES } from '../outcome.ts';
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
import { AUDIO_LEAST, EXIT_AFTER_SECONDS, MUTE_SECONDS } from './settings.ts';
import type { World } from './world.ts';

const AUDIO = CLASSES.indexOf('audio');
const SIGNAL = CLASSES.indexOf('signal');

export class Accounts {
  readonly #world: World;
  readonly #recorder: Recorder;
  readonly #sheds: boolean;
  /** Calls of each relay, and those that broke there. */
  readonly calls: Float64Array;
  readonly broken: Float64Array;
  queueMost = 0;
  memoryMost = 0;
  readonly contacts = { most: 0, mean: 0 };

  constructor(world: World, recorder: Recorder, sheds: boolean, mostRelays: number) {
    this.#world = world;
    this.#recorder = recorder;
    this.#sheds = sheds;
    this.calls = new Float64Array(mostRelays);
    this.broken = new Float64Array(mostRelays);
  }

  /** The calls that are under way when the trigger comes. */
  begin(): void {
    this.#world.counting = true;
    for (const relay of this.#world.relays) this.calls[relay.id]! += relay.sessions * CALLS_PER_SESSION;
  }

  /** @param exit ends a relay that had too much to do. */
  second(now: number, exit: (relay: Relay) => void): void {
    const { relays, peers, counting } = this.#world;
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
      relay.forward(this.#sheds, now / 1_000);
      if (counting) this.#hear(relay);
      for (let k = 0; k < CLASSES.length; k++) {
        offered[k]! += relay.offered[k]!;
        served[k]! += relay.served[k]!;
      }
      offered[SIGNAL]! += relay.contactMs;
      capacityPeers += relay.mostPeers;
      relaysUp++;
      roomMs += relay.budgetMs;
      loadMost = Math.max(loadMost, relay.load);
      loads += relay.load;
      const { waiting } = relay;
      queueMost = Math.max(queueMost, waiting);
      const bytes =
        relay.sessions * SESSION_BYTES + waiting * QUEUED_BYTES + relay.admission.turns * TURN_BYTES;
      this.memoryMost = Math.max(this.memoryMost, bytes);
      const over = !this.#sheds && relay.sessionMs + relay.contactMs > relay.budgetMs;
      relay.secondsOver = over ? relay.secondsOver + 1 : 0;
      this.#clear(relay);
      if (relay.secondsOver < EXIT_AFTER_SECONDS) continue;
      if (counting) this.broken[relay.id]! += relay.sessions * CALLS_PER_SESSION;
      exit(relay);
    }
    this.queueMost = Math.max(this.queueMost, queueMost);
    if (now % 60_000 === 0) this.#minute();
    const online = peers.counts[ONLINE]!;
    counts.signals += online * (FRAMES_PER_SEC.signal + FRAMES_PER_SEC.bulk);
    this.#recorder.second(now, {
      online,
      wanting: peers.count - peers.counts[OFF]!,
      capacityPeers,
      relaysUp,
      loadMost,
      loadMean: relaysUp > 0 ? loads / relaysUp : 0,
      queueMost,
      roomMs,
      sessionMs: online * SESSION_MS,
    });
  }

  #minute(): void {
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

  #clear(relay: Relay): void {
    relay.contactMs = 0;
    relay.loginMs = 0;
  }

  /** A call that hears too little for too long is given up. */
  #hear(relay: Relay): void {
    this.calls[relay.id]! += relay.sessions * NEW_CALLS_PER_SEC;
    const audio = relay.offered[AUDIO]! > 0 ? relay.served[AUDIO]! / relay.offered[AUDIO]! : 1;
    relay.secondsMute = audio < AUDIO_LEAST ? relay.secondsMute + 1 : 0;
    if (relay.secondsMute < MUTE_SECONDS) return;
    this.broken[relay.id]! += relay.sessions * CALLS_PER_SESSION;
    relay.secondsMute = 0;
  }
}
