/** How relays serve the logins that wait: by admission (core/overload), or first come, first served and all of them. */

import { GATE_ROOM } from '../pace.ts';
import type { LoginCosts } from './costs.ts';
import type { Recorder } from './recorder.ts';
import { askOf, peerOf, type Relay } from './relay.ts';
import { LOGIN_LEAST_SHARE, LOOK_MS, STORE as STORE_OF_OLD } from './settings.ts';
import type { World } from './world.ts';

const LOOKS_PER_SEC = 1_000 / LOOK_MS;
/** Logins of one task of the directory pool: what a relay works on at once (core/relay/limits.ts). */
const PROOFS_PER_TASK = 64;

export class Service {
  readonly #world: World;
  readonly #recorder: Recorder;
  readonly #costs: LoginCosts;
  readonly #sheds: boolean;
  /** How many times as long as usual the store takes to read somebody's messages. */
  storeFactor = 1;

  constructor(world: World, recorder: Recorder, sheds: boolean) {
    this.#world = world;
    this.#recorder = recorder;
    this.#costs = world.costs;
    this.#sheds = sheds;
  }

  /** A look of all relays that have logins waiting. */
  look(now: number): void {
    const { busy } = this.#world;
    let kept = 0;
    // Those that become busy meanwhile are looked at too.
    for (let k = 0; k < busy.length; k++) {
      const relay = busy[k]!;
      if (relay.up) {
        if (this.#sheds) this.#admit(relay, now);
        else this.#serveAll(relay, now);
      }
      relay.busy = relay.up && relay.waiting > 0;
      if (relay.busy) busy[kept++] = relay;
      else relay.creditMs = 0;
    }
    busy.length = kept;
  }

  /** Packets come first; logins have what they leave, and a least share. */
  #admit(relay: Relay, now: number): void {
    const { admission, budgetMs } = relay;
    const { fullMs, lookupsMs } = this.#costs;
    const leftMs = Math.max(budgetMs - relay.sessionMs, budgetMs * LOGIN_LEAST_SHARE);
    const roomMs = Math.min(leftMs, this.#rateMs(relay));
    relay.creditMs = Math.min(relay.creditMs, 0) + roomMs / LOOKS_PER_SEC;
    for (;;) {
      const most = Math.min(PROOFS_PER_TASK, Math.ceil(relay.creditMs / fullMs));
      const { batch, refused } = admission.take(Math.max(0, most), now);
      for (const { item, retryAfterMs } of refused) this.#world.refused(item, relay, retryAfterMs, now);
      if (batch.length === 0) return;
      let costMs = 0;
      for (const ask of batch) {
        costMs += fullMs;
        if (this.#arrives(ask, relay, now)) costMs += lookupsMs;
      }
      relay.creditMs -= costMs;
      relay.loginMs += costMs;
      admission.done(batch.length, now + (costMs / roomMs) * 1_000);
    }
  }

  /** What logins may cost in a second where their rate is limited, as by the gate of a real replay. */
  #rateMs({ loginsPerSec }: Relay): number {
    if (loginsPerSec === null) return Number.POSITIVE_INFINITY;
    return loginsPerSec * GATE_ROOM * this.#costs.fullMs;
  }

  /** @returns whether somebody waited for it still. */
  #arrives(ask: number, relay: Relay, now: number): boolean {
    if (!this.#world.isWaited(ask, now)) return false;
    this.#recorder.waited(now - this.#world.peers.askedMs(peerOf(ask)));
    this.#world.arrived(ask, relay, now);
    this.#recorder.served[0]! += this.#costs.fullMs + this.#costs.lookupsMs;
    relay.presenceMs += this.#costs.presenceMs;
    return true;
  }

  /** Logins and packets share the processor as they ask for it, and a login waits for the store too. */
  #serveAll(relay: Relay, now: number): void {
    const { queue, budgetMs, sessionMs } = relay;
    const { fullMs, lookupsMs, presenceMs } = this.#costs;
    const wantedMs = queue.size * fullMs * LOOKS_PER_SEC;
    const shared = (budgetMs * wantedMs) / Math.max(1e-9, wantedMs + sessionMs);
    const roomMs = Math.min(Math.max(budgetMs - sessionMs, shared), this.#rateMs(relay));
    const stored =
      STORE_OF_OLD.atOnce / ((STORE_OF_OLD.latencyMs * this.storeFactor) / 1_000) / LOOKS_PER_SEC;
    relay.creditMs = Math.min(relay.creditMs, 0) + roomMs / LOOKS_PER_SEC;
    for (let n = 0; n < stored && relay.creditMs > 0 && queue.size > 0; n++) {
      const { peer, round, sinceMs } = queue;
      queue.drop();
      let costMs = fullMs;
      if (peer >= 0 && this.#world.isWaited(askOf(peer, round), now)) {
        this.#recorder.waited(now - sinceMs);
        this.#world.arrived(askOf(peer, round), relay, now);
        this.#recorder.served[0]! += fullMs + lookupsMs;
        costMs += lookupsMs + presenceMs;
      }
      relay.creditMs -= costMs;
      relay.loginMs += costMs;
    }
  }
}
