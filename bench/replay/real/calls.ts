/**
 * Calls between peers that are on one relay, with packets of every class at a reduced rate: a machine that is a dozen relays
 * and all their peers at once cannot carry the traffic of all of them as well.
 *
 *   payload: 0..7 performance.now() of the sender, f64 | zeros
 */
import type { CloseReason } from '../../../core/protocol/errors.ts';
import { bundleWriter } from '../../load/scenarios/bundle-writer.ts';
import type { ChannelEnd, ChannelKind, ChannelReader } from '../../load/scenarios/channel-end.ts';
import type { Offer } from '../../load/scenarios/control-peer.ts';
import type { Draws } from '../../load/scenarios/draws.ts';
import { CALL_MEAN_MS } from '../../load/scenarios/supernode-mix.ts';
import type { TrafficClass } from '../outcome.ts';
import { TRAFFIC } from '../plan.ts';
import type { FrameLog } from './frame-log.ts';
import type { ReplayClient } from './replay-client.ts';
import { CLASS, type Tally } from './tally.ts';

/** Packets a second of the clock and direction: of audio's 50 and video's 57 a few. */
const MEDIA: readonly { name: TrafficClass; bytes: number; perSec: number; reliable: boolean }[] = [
  { name: 'audio', bytes: 160, perSec: 2, reliable: false },
  { name: 'message', bytes: 200, perSec: 0.25, reliable: true },
  { name: 'bulk', bytes: 100, perSec: 0.25, reliable: false },
  { name: 'video', bytes: 425, perSec: 1, reliable: false },
];
const LIFE_MS = 5_000;
/** To open a channel: what its two ends and the relay say. */
const SET_UP_FRAMES = 4;

interface Flow {
  medium: (typeof MEDIA)[number];
  from: ReplayClient;
  end: ChannelEnd;
  nextAtMs: number;
}

interface Call {
  peers: [ReplayClient, ReplayClient];
  relay: number;
  endsAtMs: number;
  flows: Flow[];
  isOver: boolean;
}

export class Calls {
  readonly #tally: Tally;
  readonly #frames: FrameLog;
  readonly #draws: Draws;
  readonly #timeScale: number;
  readonly #online: Set<ReplayClient>;
  readonly #calls = new Set<Call>();
  readonly #busy = new Map<ReplayClient, Call>();
  /** Peers that wait for the other end of a channel, by what the channel is called. */
  readonly #expected = new Map<string, (end: ChannelEnd) => void>();
  #number = 0;
  /** Relays that the trigger has ended. */
  readonly killed = new Set<number>();

  constructor(tally: Tally, frames: FrameLog, draws: Draws, timeScale: number, online: Set<ReplayClient>) {
    this.#tally = tally;
    this.#frames = frames;
    this.#draws = draws;
    this.#timeScale = timeScale;
    this.#online = online;
  }

  get size(): number {
    return this.#calls.size;
  }

  /** Begins calls until the share of the mix is in one, ends those whose time has come, and sends what is due. */
  turn(nowMs: number): void {
    for (const call of this.#calls) {
      if (nowMs >= call.endsAtMs) this.#end(call, 'done');
      else for (const flow of call.flows) if (flow.nextAtMs <= nowMs) this.#send(flow, nowMs);
    }
    const wanted = Math.floor((this.#online.size * TRAFFIC.inCallShare) / 2);
    if (this.#calls.size < wanted) this.#begin(wanted - this.#calls.size, nowMs);
  }

  /** Answers every offer: nobody but this process calls its peers. */
  offered(client: ReplayClient, offer: Offer): void {
    const expect = this.#expected.get(offer.protocol);
    if (!expect || !client.peer) return;
    this.#expected.delete(offer.protocol);
    expect(client.peer.accept(offer, this.#reader(offer.priority, client)));
  }

  /** The session of a peer is over, for whatever reason. */
  left(client: ReplayClient, why: 'lost' | 'own'): void {
    const call = this.#busy.get(client);
    if (call) this.#end(call, why);
  }

  #begin(most: number, nowMs: number): void {
    const free = new Map<number, ReplayClient>();
    let begun = 0;
    for (const client of this.#online) {
      if (begun === most) return;
      if (this.#busy.has(client)) continue;
      const other = free.get(client.relay);
      if (!other) {
        free.set(client.relay, client);
        continue;
      }
      free.delete(client.relay);
      begun++;
      void this.#setUp(other, client, nowMs);
    }
  }

  async #setUp(caller: ReplayClient, callee: ReplayClient, nowMs: number): Promise<void> {
    const lastsMs = this.#draws.exponential(CALL_MEAN_MS / this.#timeScale);
    const call: Call = {
      peers: [caller, callee],
      relay: caller.relay,
      endsAtMs: nowMs + lastsMs,
      flows: [],
      isOver: false,
    };
    this.#calls.add(call);
    for (const client of call.peers) this.#busy.set(client, call);
    const withVideo = this.#draws.chance(TRAFFIC.videoShare);
    try {
      await Promise.all(
        MEDIA.filter(({ name }) => withVideo || name !== 'video').map((medium) => this.#open(call, medium)),
      );
    } catch {
      // Its peers left meanwhile, or the relay was busy: a call that never was.
      this.#forget(call);
    }
  }

  async #open(call: Call, medium: Flow['medium']): Promise<void> {
    const [caller, callee] = call.peers;
    const protocol = `${medium.name} ${this.#number++}`;
    const kind: ChannelKind = {
      reliable: medium.reliable,
      // Classes are in the order of priority.
      priority: CLASS[medium.name],
      lifeMs: medium.reliable ? 0 : LIFE_MS,
      protocol,
    };
    const add = (from: ReplayClient, end: ChannelEnd): void => {
      const nextAtMs = performance.now() + this.#draws.uniform() * (1_000 / medium.perSec);
      call.flows.push({ medium, from, end, nextAtMs });
    };
    this.#expected.set(protocol, (end) => add(callee, end));
    const openedAtMs = performance.now();
    this.#frames.sent(CLASS.signal, openedAtMs, SET_UP_FRAMES);
    this.#tally.paced.packets += SET_UP_FRAMES / this.#timeScale;
    try {
      add(
        caller,
        await caller.peer!.open(callee.identity.publicKey, kind, this.#reader(kind.priority, caller)),
      );
      this.#frames.got(CLASS.signal, openedAtMs, SET_UP_FRAMES);
    } finally {
      this.#expected.delete(protocol);
    }
  }

  #reader(priority: number, client: ReplayClient): ChannelReader {
    const name = MEDIA.find((medium) => CLASS[medium.name] === priority)!.name;
    const counted = CLASS[name];
    return {
      data: (bytes, from) => {
        const sentAtMs = bytes.readDoubleBE(from);
        this.#frames.got(counted, sentAtMs);
        if (name === 'audio' && this.#tally.triggered) {
          this.#tally.audioDelays.record(performance.now() - sentAtMs);
        }
      },
      closed: (reason: CloseReason) => {
        const call = this.#busy.get(client);
        if (!call || call.isOver) return;
        // The relay says so before the socket of the other end does; whoever it was, `left` comes for that one.
        const own = reason === 'closed' || reason === 'peer-gone' || reason === 'replaced';
        if (!own) this.#end(call, 'lost');
      },
      credited: () => {},
    };
  }

  #send(flow: Flow, nowMs: number): void {
    const { medium, from, end } = flow;
    flow.nextAtMs = Math.max(flow.nextAtMs + 1_000 / medium.perSec, nowMs - 1_000);
    if (!from.peer || !end.maySend(medium.bytes)) return;
    bundleWriter.begin(from.peer.socket);
    const at = end.frame(bundleWriter, medium.bytes);
    bundleWriter.bytes.fill(0, at + 8, at + medium.bytes);
    bundleWriter.bytes.writeDoubleBE(nowMs, at);
    bundleWriter.send();
    this.#frames.sent(CLASS[medium.name], nowMs);
  }

  #end(call: Call, why: 'done' | 'own' | 'lost'): void {
    if (call.isOver) return;
    if (this.#tally.triggered && call.flows.length > 0 && !this.killed.has(call.relay)) {
      if (why !== 'own') this.#tally.calls.onSurvivors++;
      if (why === 'lost') this.#tally.calls.broken++;
    }
    for (const { from, end } of call.flows) if (from.peer && !from.peer.hasLeft) from.peer.close(end);
    this.#forget(call);
  }

  #forget(call: Call): void {
    call.isOver = true;
    this.#calls.delete(call);
    for (const client of call.peers) if (this.#busy.get(client) === call) this.#busy.delete(client);
  }
}
