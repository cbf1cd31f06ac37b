/**
 * Calls of two moving peers each, and how long each was away: from the moment when the first of the two lost its
 * connection until both are back, the channel is open again and a packet has gone each way through it.
 */
import type { Identity } from '../../core/identity/identity.ts';
import { DEFAULT_PACKET_LIFE_MS } from '../../core/protocol/limits.ts';
import type { LoadFault } from '../load/fault.ts';
import type { ChannelKind } from '../load/scenarios/channel-end.ts';
import type { ControlPeer, Offer } from '../load/scenarios/control-peer.ts';
import { newIdentities } from '../load/scenarios/crowd.ts';
import { ChannelRefusal } from '../load/scenarios/refusal.ts';
import { MovingPeer } from './moving-peer.ts';
import { acceptAndAnswer, PacketEachWay } from './packet-each-way.ts';

const AUDIO: ChannelKind = { reliable: false, priority: 1, lifeMs: DEFAULT_PACKET_LIFE_MS, protocol: 'call' };
/** The callee may be back a little later than the caller: asked again after this, doubled each time, at random. */
const REOPEN_MS = 20;
const REOPEN_CAP_MS = 400;

class MovingCall {
  readonly caller: MovingPeer;
  readonly callee: MovingPeer;
  open = false;
  lostAtMs: number | null = null;
  waitMs: number | null = null;

  constructor(caller: MovingPeer, callee: MovingPeer) {
    this.caller = caller;
    this.callee = callee;
  }
}

export class MovingCalls {
  readonly #calls: MovingCall[] = [];
  readonly #random: () => number;
  readonly #faults: string[] = [];
  #lastOpened: () => void = () => {};

  constructor(
    url: string,
    count: number,
    oneKey: boolean,
    random: () => number,
    identities: Identity[] = newIdentities(2 * count),
  ) {
    this.#random = random;
    const byPeer = new Map<MovingPeer, MovingCall>();
    const host = {
      offered: (peer: ControlPeer, offer: Offer) => acceptAndAnswer(peer, offer),
      broke: (fault: LoadFault) => this.#faults.push(fault.message),
      lost: (peer: MovingPeer) => this.#lost(byPeer.get(peer)!),
      back: (peer: MovingPeer) => {
        const call = byPeer.get(peer)!;
        if (call.caller === peer) void this.#open(call);
      },
    };
    for (let i = 0; i < count; i++) {
      const [caller, callee] = [identities[2 * i]!, identities[2 * i + 1]!].map(
        (identity) => new MovingPeer(url, identity, oneKey, random, host),
      ) as [MovingPeer, MovingPeer];
      const call = new MovingCall(caller, callee);
      this.#calls.push(call);
      byPeer.set(caller, call).set(callee, call);
    }
  }

  /** @param atOnce logins under way. */
  async connect(atOnce: number): Promise<void> {
    const peers = this.#calls.flatMap(({ caller, callee }) => [caller, callee]);
    let next = 0;
    const some = async (): Promise<void> => {
      for (let peer = peers[next++]; peer !== undefined; peer = peers[next++]) await peer.logInPatiently();
    };
    await Promise.all(Array.from({ length: atOnce }, some));
    for (const call of this.#calls) await this.#open(call);
    const closed = this.#calls.filter(({ open }) => !open).length;
    if (closed > 0) throw new Error(`${closed} calls could not be opened: ${this.#faults[0] ?? 'no reason'}`);
  }

  /** Resolves when every call was away and is open again, or at the deadline. */
  async allResumed(deadlineMs: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, deadlineMs);
    });
    const done = new Promise<void>((resolve) => {
      this.#lastOpened = () => {
        if (this.#calls.every(({ waitMs }) => waitMs !== null)) resolve();
      };
      this.#lastOpened();
    });
    await Promise.race([done, late]);
    clearTimeout(timer);
  }

  figures(): {
    /** performance.now() when the first call was cut. */
    firstLostAtMs: number;
    calls: number;
    lost: number;
    resumed: number;
    waitsMs: number[];
    byTicket: number;
    bySignature: number;
    failedTries: number;
    faults: string[];
  } {
    const peers = this.#calls.flatMap(({ caller, callee }) => [caller, callee]);
    const here = peers.filter((peer) => peer.here !== null);
    const byTicket = here.filter((peer) => peer.resumed).length;
    return {
      firstLostAtMs: Math.min(...this.#calls.map(({ lostAtMs }) => lostAtMs ?? Number.POSITIVE_INFINITY)),
      calls: this.#calls.length,
      lost: this.#calls.filter(({ lostAtMs }) => lostAtMs !== null).length,
      resumed: this.#calls.filter(({ waitMs, open }) => waitMs !== null && open).length,
      waitsMs: this.#calls.flatMap(({ waitMs }) => (waitMs === null ? [] : [waitMs])).sort((a, b) => a - b),
      byTicket,
      bySignature: here.length - byTicket,
      failedTries: peers.reduce((sum, { failures }) => sum + failures, 0),
      faults: this.#faults,
    };
  }

  leave(): void {
    for (const { caller, callee } of this.#calls) {
      caller.leave();
      callee.leave();
    }
  }

  #lost(call: MovingCall): void {
    call.lostAtMs ??= performance.now();
    call.open = false;
    call.waitMs = null;
  }

  async #open(call: MovingCall): Promise<void> {
    const { caller, callee } = call;
    for (let tries = 0; caller.here !== null; tries++) {
      const peer: ControlPeer = caller.here;
      try {
        const packets = new PacketEachWay();
        const end = await peer.open(callee.identity.publicKey, AUDIO, packets);
        await packets.through(peer, end);
        if (caller.here !== peer) return;
        call.open = true;
        if (call.lostAtMs !== null) call.waitMs = performance.now() - call.lostAtMs;
        this.#lastOpened();
        return;
      } catch (error) {
        if (peer.hasLeft) return;
        if (!(error instanceof ChannelRefusal)) {
          this.#faults.push((error as Error).message);
          return;
        }
        const waitMs = this.#random() * Math.min(REOPEN_CAP_MS, REOPEN_MS * 2 ** Math.min(tries, 20));
        await new Promise((resolve) => setTimeout(resolve, waitMs));
      }
    }
  }
}
