/**
 * One outbox per receiver: what is to be sent to it in this turn of the event loop, then one `send`. PACKET PATH.
 *
 * The buffers come from a pool and go back to it with the flush, so an idle session owns none. A flush never sends
 * more than MAX_SEND_BYTES at once, and nothing at all while the socket has not taken what it was given before: what
 * comes then waits in the session's PressureQueue, and so does what goes beyond one message in a turn.
 *
 * Sockets are written to in `flush` and nowhere else. With TLS it is never called from within a callback of another
 * socket: that breaks the connection that is being read (seen: every second transfer of 50 MB).
 */
import { encodeControl } from '../../core/protocol/control.ts';
import { dataFrameEnd } from '../../core/protocol/frame.ts';
import { MAX_SEND_BYTES, MAX_SHARD_QUEUE_BYTES } from '../../core/protocol/limits.ts';
import { OP_CREDIT, PRIORITY_COUNT } from '../../core/protocol/ops.ts';
import { C, sendBucket } from '../../core/threads/counters.ts';
import { SEND_DROPPED, SEND_QUEUED } from '../../core/transport/uws.ts';
import type { Congestion } from './congestion.ts';
import type { Ends } from './ends.ts';
import { Flights } from './flights.ts';
import type { SessionMeter } from './meters.ts';
import { CONTROL, expiryOf, type Fate, PressureQueue, REALTIME, RELIABLE } from './pressure.ts';
import { ENDED, type Session } from './session.ts';
import type { WhyLedger } from './why.ts';

/** Room for the alignment of the first copy (see threads/ring.ts). */
const SLACK_BYTES = 8;
/** Sends to one receiver that comes out of pressure, before others get their turn. */
const SENDS_PER_TURN = 8;

/** What waits goes in slices of about this size: audio that comes meanwhile waits for no more of a lower class. */
const SLICE_BYTES = 4 * 1024;

const CLASS_OF_OP = 0x07;

/** What an outbox is written to. It keeps the view that was sent last: to make one costs as much as to forward a packet. */
export class OutBuffer {
  readonly bytes: Uint8Array;
  #part: Uint8Array;
  #start = 0;
  #end = 0;

  constructor(bytes: number) {
    this.bytes = new Uint8Array(bytes);
    this.#part = this.bytes.subarray(0, 0);
  }

  /** Packets of a call are of one size, or of a few. */
  part(start: number, end: number): Uint8Array {
    if (start !== this.#start || end !== this.#end) {
      this.#start = start;
      this.#end = end;
      this.#part = this.bytes.subarray(start, end);
    }
    return this.#part;
  }
}

/** Buffers of one size. Those beyond `most` are left to the garbage collector. */
class Pool {
  readonly bytes: number;
  readonly #most: number;
  readonly #free: OutBuffer[] = [];

  constructor(bytes: number, most: number) {
    this.bytes = bytes;
    this.#most = most;
  }

  take(): OutBuffer {
    return this.#free.pop() ?? new OutBuffer(this.bytes + SLACK_BYTES);
  }

  giveBack(buffer: OutBuffer): void {
    if (this.#free.length < this.#most) this.#free.push(buffer);
  }
}

export interface OutboxHost {
  /** What is dropped is noted here. */
  readonly why: Pick<WhyLedger, 'noteWaited'>;
  /** Senders are told of it here. */
  readonly congestion: Pick<Congestion, 'droppedFor' | 'passedFor'>;
  /** Ends a session that cannot be served any more. */
  end(session: Session, code: 'slow-reader' | 'overloaded', message: string): void;
  /** A flush threw: costs this session, not the ones after it. */
  fault(session: Session, error: unknown): void;
  /** Asks for a turn: `flush` will be called. */
  schedule(): void;
}

export class Outboxes {
  readonly #host: OutboxHost;
  readonly #ends: Ends;
  readonly #counters: Float64Array;
  readonly #fate: Fate;
  /** Smallest first, 14 MiB a shard at most: a packet or two for each of many, a turn's worth for some, all for few. */
  readonly #pools = [
    new Pool(2 * 1024, 1024),
    new Pool(16 * 1024, 256),
    new Pool(MAX_SEND_BYTES, 64),
  ] as const;
  readonly flights = new Flights();
  #dirty: Session[] = [];
  #flushing: Session[] = [];
  /** Sessions whose queue waits for their budget. */
  readonly #waiting = new Set<Session>();

  constructor(host: OutboxHost, ends: Ends, counters: Float64Array) {
    this.#host = host;
    this.#ends = ends;
    this.#counters = counters;
    this.#fate = { counters, why: host.why, congestion: host.congestion };
  }

  /** Appends frames of one channel, whose receiving end is `end`; source[start, stop) carries its label already. */
  appendData(
    session: Session,
    end: number,
    source: Uint8Array,
    start: number,
    stop: number,
    frames: number,
  ): void {
    const bytes = stop - start;
    if (this.#ends.reliable[end] === 1) {
      this.#ends.owed[end]! -= bytes;
      session.liabilityBytes -= bytes;
    }
    if (session.queue !== null || !this.#room(session, bytes, (source.byteOffset + start) & 7)) {
      this.#queueData(session, end, source.slice(start, stop), frames);
      return;
    }
    session.outbox!.bytes.set(
      start === 0 && stop === source.length ? source : source.subarray(start, stop),
      session.outEnd,
    );
    session.outEnd += bytes;
    session.outFrames += frames;
    const priority = this.#ends.op[end]! & CLASS_OF_OP;
    this.#counters[C.framesOutSignal + priority]! += frames;
    this.#counters[C.bytesOutSignal + priority]! += bytes;
  }

  /**
   * Appends a control frame. `priority` keeps it in order with its channel's data when the receiver is slow;
   * `behindRealtime` with realtime data too.
   */
  appendControl(session: Session, frame: Uint8Array, priority: number, behindRealtime = false): void {
    // Ends of two sessions that end each other: the socket of the first is gone.
    if (session.state === ENDED) return;
    if (session.queue !== null || !this.#room(session, frame.length, 0)) {
      this.#queueControl(session, frame, priority, behindRealtime);
      return;
    }
    session.outbox!.bytes.set(frame, session.outEnd);
    session.outEnd += frame.length;
    session.outFrames++;
  }

  /**
   * Room for a control frame of up to `bytes` that the caller writes at session.outEnd itself, and then moves outEnd and
   * counts in outFrames. @returns false when the frame must wait: then it is for appendControl.
   */
  roomForControl(session: Session, bytes: number): boolean {
    return session.queue === null && this.#room(session, bytes, 0);
  }

  /** Sends every outbox that has something. Once per turn. */
  flush(): void {
    const sessions = this.#dirty;
    this.#dirty = this.#flushing;
    this.#flushing = sessions;
    for (let i = 0; i < sessions.length; i++) {
      const session = sessions[i]!;
      session.dirty = false;
      if (session.state === ENDED) continue;
      try {
        // What is in the outbox came before everything in the queue.
        if (session.outbox !== null) {
          if (session.meter !== null) this.#meter(session, session.meter);
          this.send(session);
        }
        if (session.queue !== null) this.#relieve(session);
      } catch (error) {
        this.#host.fault(session, error);
      }
    }
    sessions.length = 0;
  }

  /** What is still to be sent to a session that ends, and may be: the socket has taken everything before it. */
  takePending(session: Session): Uint8Array | null {
    if (session.outbox === null || session.queue !== null) return null;
    const pending = session.outbox.bytes.slice(session.outStart, session.outEnd);
    this.#takeBack(session);
    return pending;
  }

  /** Sends a session's outbox. Only `flush` and what it calls may: see the head of this file. */
  send(session: Session): void {
    const outbox = session.outbox;
    if (outbox === null) return;
    const bytes = session.outEnd - session.outStart;
    this.#counters[C.framesOut]! += session.outFrames;
    this.#counters[C.bytesOut]! += bytes;
    this.#counters[C.sends]!++;
    this.#counters[C.sends1 + sendBucket(session.outFrames)]!++;
    const status = session.socket.send(outbox.part(session.outStart, session.outEnd), true, false);
    this.#takeBack(session);
    if (status === SEND_QUEUED) {
      this.#counters[C.pressured]!++;
      session.queue ??= new PressureQueue(this.#fate);
    } else if (status === SEND_DROPPED) {
      this.#host.end(session, 'overloaded', 'The socket refused a message.');
      return;
    }
    if (this.flights.sent(session, bytes) || session.queue !== null) return;
    this.#counters[C.pressured]!++;
    session.queue = new PressureQueue(this.#fate);
  }

  /** A pong has come. */
  answered(session: Session, payload: ArrayBuffer): void {
    if (this.flights.answered(session, payload) && session.queue !== null) this.#markDirty(session);
  }

  /** The socket has taken more of what waits in it. */
  drained(session: Session): void {
    if (session.queue === null || session.socket.getBufferedAmount() > 0) return;
    this.#markDirty(session);
  }

  /** Forgets what was to be sent. */
  discard(session: Session): void {
    if (session.outbox !== null) {
      this.#counters[C.dropGone]! += session.outFrames;
      this.#takeBack(session);
    }
    if (session.queue !== null) {
      this.#counters[C.dropGone]! += session.queue.frames;
      session.queue.discard();
      session.queue = null;
    }
  }

  /** Makes room for `bytes` in the outbox. False when it is full; then the session has a queue. */
  #room(session: Session, bytes: number, alignment: number): boolean {
    if (session.outbox === null) {
      if (bytes > session.mostSendBytes) {
        this.#markDirty(session);
        session.queue = new PressureQueue(this.#fate);
        return false;
      }
      session.outbox = this.#poolFor(bytes).take();
      session.outStart = alignment;
      session.outEnd = alignment;
      this.#markDirty(session);
      return true;
    }
    // Before the length of the buffer, which has slack beyond what one message may have.
    if (session.outEnd - session.outStart + bytes > session.mostSendBytes) {
      session.queue = new PressureQueue(this.#fate);
      return false;
    }
    if (session.outEnd + bytes <= session.outbox.bytes.length) return true;
    const larger = this.#poolFor(session.outEnd + bytes).take();
    larger.bytes.set(session.outbox.bytes.subarray(session.outStart, session.outEnd), session.outStart);
    this.#giveBack(session.outbox);
    session.outbox = larger;
    return true;
  }

  #queueControl(session: Session, bytes: Uint8Array, priority: number, behindRealtime: boolean): void {
    if (session.queue === null || this.#shardIsFull(session, bytes.length)) return;
    // A budget may have room for its class, though not for others.
    if (session.meter !== null) this.#markDirty(session);
    const item = { bytes, frames: 1, expiresAt: Number.POSITIVE_INFINITY, kind: CONTROL } as const;
    if (session.queue.push(priority, item, 0, behindRealtime)) return;
    this.#host.end(session, 'slow-reader', 'Too many answers wait for a peer that does not read.');
  }

  /** Ends the session that would make the shard hold too much for peers that do not keep up. */
  #shardIsFull(session: Session, bytes: number): boolean {
    if (this.#counters[C.queuedBytes]! + bytes <= MAX_SHARD_QUEUE_BYTES) return false;
    this.#host.end(session, 'overloaded', 'The relay holds too much for peers that do not keep up.');
    return true;
  }

  /** A run is cut into slices of whole frames, so that little goes at a time, and is dropped at a time. */
  #queueData(session: Session, end: number, bytes: Uint8Array, frames: number): void {
    const ends = this.#ends;
    if (session.queue === null || this.#shardIsFull(session, bytes.length)) {
      this.#counters[C.dropGone]! += frames;
      return;
    }
    if (session.meter !== null) this.#markDirty(session);
    const priority = ends.op[end]! & CLASS_OF_OP;
    const reliable = ends.reliable[end] === 1;
    const kind = reliable ? RELIABLE : REALTIME;
    const now = reliable ? 0 : performance.now();
    const expiresAt = reliable ? Number.POSITIVE_INFINITY : expiryOf(priority, ends.lifeMs[end]!, now);
    if (bytes.length <= SLICE_BYTES) {
      session.queue.push(priority, { bytes, frames, expiresAt, kind }, now);
      return;
    }
    let start = 0;
    let count = 0;
    let left = frames;
    for (let at = 0, after = 0; left > 0; at = after) {
      after = dataFrameEnd(bytes, at, bytes.length);
      if (after <= at) break;
      if (count > 0 && after - start > SLICE_BYTES) {
        session.queue.push(priority, { bytes: bytes.slice(start, at), frames: count, expiresAt, kind }, now);
        start = at;
        left -= count;
        count = 0;
      }
      count++;
      if (count === left) break;
    }
    session.queue.push(priority, { bytes: bytes.slice(start), frames: left, expiresAt, kind }, now);
  }

  /** Sends from the queue of a session whose socket has taken everything; the pressure ends with the queue. */
  #relieve(session: Session): void {
    if (session.socket.getBufferedAmount() > 0) return;
    const queue = session.queue!;
    if (session.creditDue) this.#tellCredit(session);
    if (session.state === ENDED) return;
    const now = performance.now();
    const { flight } = session;
    for (let sends = 0; sends < SENDS_PER_TURN; sends++) {
      let roomBytes = MAX_SEND_BYTES;
      if (flight !== null) {
        if (flight.roomBytes <= 0) break;
        roomBytes = Math.min(roomBytes, Math.max(SLICE_BYTES, flight.windowBytes / 4));
      }
      if (!this.#fill(session, queue, roomBytes, now)) {
        if (this.#waitsForBudget(session)) return;
        session.queue = null;
        return;
      }
      this.send(session);
      if (session.state === ENDED) return;
      if (flight !== null) this.flights.tell(session, now);
      if (session.socket.getBufferedAmount() > 0) return;
    }
    if (flight === null || flight.roomBytes > 0) this.#markDirty(session);
    else if (flight.unasked) this.flights.ask(session, flight, now);
  }

  /** Fills the outbox from the queue: up to `roomBytes`, or one item that is larger. @returns false when there is nothing. */
  #fill(session: Session, queue: PressureQueue, roomBytes: number, now: number): boolean {
    const buffer = this.#pools[2].take();
    session.outbox = buffer;
    session.outStart = 0;
    session.outEnd = 0;
    for (
      let item =
        queue.take(roomBytes, now, classesOf(session)) ?? queue.take(MAX_SEND_BYTES, now, classesOf(session));
      item !== undefined;
      item =
        session.outEnd < roomBytes
          ? queue.take(roomBytes - session.outEnd, now, classesOf(session))
          : undefined
    ) {
      buffer.bytes.set(item.bytes, session.outEnd);
      session.outEnd += item.bytes.length;
      session.outFrames += item.frames;
      session.meter?.got(item.bytes.length, item.frames);
    }
    if (session.outEnd > 0) return true;
    this.#takeBack(session);
    return false;
  }

  /** Counts what is about to be sent; when the budget has no room for every class after it, the next waits in a queue. */
  #meter(session: Session, meter: SessionMeter): void {
    meter.got(session.outEnd - session.outStart, session.outFrames);
    if (meter.out.shedFrom === PRIORITY_COUNT || session.queue !== null) return;
    session.queue = new PressureQueue(this.#fate);
  }

  /** Whether what is in the queue, or would come into it, has to wait until the budget has room for its class. */
  #waitsForBudget(session: Session): boolean {
    const { meter, queue } = session;
    if (meter === null || queue === null || meter.out.shedFrom === PRIORITY_COUNT) return false;
    if (!queue.empty) {
      meter.out.wanted = true;
      this.#counters[C.budgetWaits]!++;
    }
    this.#waiting.add(session);
    return true;
  }

  /** Budgets have room again: goes on with what waited for it. */
  refilled(): void {
    for (const session of this.#waiting) if (session.state !== ENDED) this.#markDirty(session);
    this.#waiting.clear();
  }

  /** The credit that came under pressure, one frame per channel; in its class, so not before a waiting `opened`. */
  #tellCredit(session: Session): void {
    const ends = this.#ends;
    session.creditDue = false;
    for (let next = session.firstEnd; next !== 0; next = ends.next[next - 1]!) {
      const end = next - 1;
      for (const due of [ends.creditDueInitial, ends.creditDue]) {
        const bytes = due[end]!;
        if (bytes === 0) continue;
        due[end] = 0;
        const body = { label: ends.label[end]!, bytes };
        const initial = due === ends.creditDueInitial;
        const frame = encodeControl(OP_CREDIT, 0, initial ? { ...body, initial } : body);
        this.appendControl(session, frame, ends.op[end]! & CLASS_OF_OP);
        if (session.state === ENDED) return;
      }
    }
  }

  #markDirty(session: Session): void {
    if (session.dirty) return;
    session.dirty = true;
    this.#dirty.push(session);
    this.#host.schedule();
  }

  #poolFor(bytes: number): Pool {
    const [tiny, small, large] = this.#pools;
    return bytes <= tiny.bytes ? tiny : bytes <= small.bytes ? small : large;
  }

  #takeBack(session: Session): void {
    this.#giveBack(session.outbox!);
    session.outbox = null;
    session.outFrames = 0;
  }

  #giveBack(buffer: OutBuffer): void {
    this.#poolFor(buffer.bytes.length - SLACK_BYTES).giveBack(buffer);
  }
}

/** How many classes may be sent now, the highest first. */
function classesOf({ meter }: Session): number {
  return meter === null ? PRIORITY_COUNT : meter.out.shedFrom;
}
