/**
 * What the users of a supernode do and when, drawn from a seed alone: how the relay fares changes nothing in it, so
 * that every round of a benchmark asks for the same. It begins in the steady state: as many calls and conversations are
 * under way as there will be on the mean.
 */
import { Draws } from './draws.ts';
import { EventQueue } from './event-queue.ts';
import { FreeUsers } from './free-users.ts';
import * as mix from './supernode-mix.ts';

/** Users are numbered from 0; those from `peers` on are out at first. Times are of the run, from 0. */
export type Happening =
  | { kind: 'call'; atMs: number; call: number; users: Couple; video: boolean; signalBytes: number[] }
  | { kind: 'hang-up'; atMs: number; call: number }
  | { kind: 'converse'; atMs: number; conversation: number; users: Couple }
  | { kind: 'message'; atMs: number; conversation: number; from: 0 | 1; bytes: number }
  | { kind: 'part'; atMs: number; conversation: number }
  | { kind: 'leave'; atMs: number; user: number }
  | { kind: 'come'; atMs: number; user: number }
  | { kind: 'presence'; atMs: number; user: number };

/** Who calls, or writes first, and whom. */
export type Couple = readonly [number, number];

/** What is still to be decided when its time comes. */
type Planned =
  | { kind: 'call' }
  | { kind: 'converse' }
  | { kind: 'leave' }
  | { kind: 'presence' }
  | { kind: 'hang-up'; call: number; users: Couple }
  | { kind: 'part'; conversation: number; users: Couple }
  | { kind: 'message'; conversation: number; untilMs: number };

export interface TimelinePlan {
  peers: number;
  seed: number;
  compression: number;
}

const LEAST_MESSAGE_BYTES = 24;
const MOST_MESSAGE_BYTES = 4096;

export class Timeline {
  /** In and out. */
  readonly users: number;
  readonly #draws: Draws;
  readonly #compression: number;
  readonly #planned = new EventQueue<Planned>();
  /** Happenings that are decided and not taken. */
  readonly #decided: Happening[] = [];
  /** Users who are in, and neither in a call nor in a conversation. */
  readonly #free: FreeUsers;
  /** Who is out, the one out for longest first. */
  readonly #out: number[] = [];
  readonly #gaps: { call: number; converse: number; leave: number; presence: number };
  #calls = 0;
  #conversations = 0;

  constructor({ peers, seed, compression }: TimelinePlan) {
    this.#draws = new Draws(seed);
    this.#compression = compression;
    this.users = peers + Math.max(mix.SPARES_LEAST, Math.ceil(peers * mix.SPARE_SHARE));
    this.#free = new FreeUsers(this.users);
    for (let user = 0; user < peers; user++) this.#free.add(user);
    for (let user = peers; user < this.users; user++) this.#out.push(user);
    const calls = Math.round((peers * mix.IN_CALL_SHARE) / 2);
    const conversations = Math.round((peers * mix.CONVERSING_SHARE) / 2);
    // Little's law: so many are under way when one begins every (how long it lasts / how many).
    this.#gaps = {
      call: mix.CALL_MEAN_MS / compression / calls,
      converse: mix.CONVERSATION_MEAN_MS / compression / conversations,
      leave: mix.SESSION_MEAN_MS / compression / peers,
      presence: mix.PRESENCE_GAP_MS / compression / peers,
    };
    for (let i = 0; i < calls; i++)
      this.#call(0, this.#draws.lognormalRest(mix.CALL_MEDIAN_MS, mix.CALL_SIGMA));
    for (let i = 0; i < conversations; i++) this.#converse(0);
    for (const kind of ['call', 'converse', 'leave', 'presence'] as const) this.#planNext(kind, 0);
  }

  /** Nothing happens before; Infinity when nothing ever does. */
  get nextAtMs(): number {
    return this.#decided[0]?.atMs ?? this.#planned.nextAtMs;
  }

  /** The next happening at or before this time; undefined when there is none. */
  next(untilMs: number): Happening | undefined {
    while (this.#decided.length === 0) {
      const atMs = this.#planned.nextAtMs;
      const planned = this.#planned.take(untilMs);
      if (!planned) return undefined;
      this.#decide(planned, atMs);
    }
    if (this.#decided[0]!.atMs > untilMs) return undefined;
    return this.#decided.shift();
  }

  #decide(planned: Planned, atMs: number): void {
    switch (planned.kind) {
      case 'call':
        this.#call(atMs, this.#draws.lognormal(mix.CALL_MEDIAN_MS, mix.CALL_SIGMA));
        break;
      case 'converse':
        this.#converse(atMs);
        break;
      case 'leave':
        this.#leave(atMs);
        break;
      case 'presence': {
        const user = this.#free.pick(this.#draws);
        if (user !== undefined) this.#decided.push({ kind: 'presence', atMs, user });
        break;
      }
      case 'hang-up':
        this.#decided.push({ kind: 'hang-up', atMs, call: planned.call });
        this.#release(planned.users);
        return;
      case 'part':
        this.#decided.push({ kind: 'part', atMs, conversation: planned.conversation });
        this.#release(planned.users);
        return;
      case 'message':
        this.#message(planned.conversation, planned.untilMs, atMs);
        return;
    }
    this.#planNext(planned.kind, atMs);
  }

  /** @param durationMs of a user's time. */
  #call(atMs: number, durationMs: number): void {
    const draws = this.#draws;
    const users = this.#couple();
    if (!users) return;
    const call = this.#calls++;
    const signals = draws.between(mix.SIGNALS_LEAST, mix.SIGNALS_MOST);
    const signalBytes = Array.from({ length: signals }, () =>
      packetBytes(draws.lognormal(mix.SIGNAL_MEDIAN_BYTES, mix.SIGNAL_SIGMA)),
    );
    this.#decided.push({
      kind: 'call',
      atMs,
      call,
      users,
      video: draws.chance(mix.VIDEO_SHARE),
      signalBytes,
    });
    this.#planned.add(atMs + durationMs / this.#compression, { kind: 'hang-up', call, users });
  }

  #converse(atMs: number): void {
    const users = this.#couple();
    if (!users) return;
    const conversation = this.#conversations++;
    const untilMs = atMs + this.#draws.exponential(mix.CONVERSATION_MEAN_MS) / this.#compression;
    this.#decided.push({ kind: 'converse', atMs, conversation, users });
    this.#planned.add(untilMs, { kind: 'part', conversation, users });
    this.#planMessage(conversation, untilMs, atMs);
  }

  #message(conversation: number, untilMs: number, atMs: number): void {
    const draws = this.#draws;
    const bytes = packetBytes(draws.lognormal(mix.MESSAGE_MEDIAN_BYTES, mix.MESSAGE_SIGMA));
    this.#decided.push({ kind: 'message', atMs, conversation, from: draws.chance(0.5) ? 1 : 0, bytes });
    this.#planMessage(conversation, untilMs, atMs);
  }

  /** One leaves, and another comes: the number of those who are in stays. */
  #leave(atMs: number): void {
    const user = this.#free.take(this.#draws);
    if (user === undefined) return;
    this.#out.push(user);
    const comer = this.#out.shift()!;
    this.#free.add(comer);
    this.#decided.push({ kind: 'leave', atMs, user }, { kind: 'come', atMs, user: comer });
  }

  #couple(): Couple | null {
    if (this.#free.size < 2) return null;
    return [this.#free.take(this.#draws)!, this.#free.take(this.#draws)!];
  }

  #release(users: Couple): void {
    for (const user of users) this.#free.add(user);
  }

  #planNext(kind: 'call' | 'converse' | 'leave' | 'presence', atMs: number): void {
    const gapMs = this.#gaps[kind];
    if (Number.isFinite(gapMs)) this.#planned.add(atMs + this.#draws.exponential(gapMs), { kind });
  }

  /** Both ends write, so the conversation has messages twice as often as an end. */
  #planMessage(conversation: number, untilMs: number, atMs: number): void {
    const nextMs = atMs + this.#draws.exponential(mix.MESSAGE_GAP_MS / 2) / this.#compression;
    if (nextMs < untilMs) this.#planned.add(nextMs, { kind: 'message', conversation, untilMs });
  }
}

function packetBytes(drawn: number): number {
  return Math.round(Math.min(MOST_MESSAGE_BYTES, Math.max(LEAST_MESSAGE_BYTES, drawn)));
}
