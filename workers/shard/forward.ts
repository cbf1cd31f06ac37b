/**
 * PACKET PATH: from a bundle that a peer sent to the outboxes of the peers that it is for.
 *
 * A data frame is checked against the fixed layout, its label is looked up in the table of channel ends, the four
 * bytes of the label are overwritten with the receiver's, and the frame is copied once: into the receiver's outbox, or
 * into the ring to the receiver's shard. Neighbours with the same label are copied together, as a *run*.
 * Nothing here allocates, closes over or awaits anything per frame.
 */
import type { Behind } from '../../core/overload/behind.ts';
import { dataFrameError } from '../../core/protocol/bundle.ts';
import { controlFrameEnd } from '../../core/protocol/control.ts';
import { ProtocolError } from '../../core/protocol/errors.ts';
import {
  ARRAY_OF_3,
  dataFrameEnd,
  isDataOp,
  isEndOp,
  readLabel,
  writeLabel,
} from '../../core/protocol/frame.ts';
import { END_BIT, OP_LOOKUP } from '../../core/protocol/ops.ts';
import { C } from '../../core/threads/counters.ts';
import type { Congestion } from './congestion.ts';
import { type Ends, OPEN } from './ends.ts';
import type { HeldCredit } from './held-credit.ts';
import type { Links } from './links.ts';
import type { Outboxes } from './outbox.ts';
import { ENDED, LIVE, type Session, type SessionTable } from './session.ts';
import type { WhyLedger } from './why.ts';

const CLASS_OF_OP = 0x07;

export interface ForwardHost {
  readonly index: number;
  readonly sessions: SessionTable;
  readonly ends: Ends;
  readonly outboxes: Outboxes;
  readonly links: Links;
  readonly counters: Float64Array;
  readonly why: WhyLedger;
  readonly congestion: Pick<Congestion, 'dropped'>;
  readonly heldCredit: Pick<HeldCredit, 'wake'>;
  readonly behind: Behind;
  /**
   * A look-up that can be answered here and now, if the control frame at `at` is one.
   * @returns the offset after it; 0: it is not, and has to be decoded.
   */
  lookup(session: Session, bytes: Uint8Array, at: number, end: number): number;
  /** One control frame, bounded and not decoded. @throws ProtocolError */
  control(session: Session, bytes: Uint8Array, start: number, end: number): void;
  /** Realtime frames that `end` sent go nowhere: its session has no budget left for their class. */
  shed(session: Session, end: number, frames: number): void;
  /** A reliable channel's sender has sent more than it was granted. */
  overrun(end: number): void;
}

/** @throws ProtocolError for a frame that breaks the protocol; the frames before it have been forwarded. */
export function forwardBundle(host: ForwardHost, session: Session, bytes: Uint8Array): void {
  const { ends, counters } = host;
  const length = bytes.length;
  counters[C.bytesIn]! += length;
  /** The run: frames of one label since runStart; `end` is their channel end, -1 when there is none. */
  let runStart = 0;
  let runFrames = 0;
  let runLabel = 0;
  let end = -1;
  let at = 0;

  while (at < length) {
    // What was delivered or asked before may have ended the session.
    if (session.state === ENDED) return;
    const op = at + 1 < length ? bytes[at + 1]! : 0;
    if (bytes[at] !== ARRAY_OF_3 || !isDataOp(op)) {
      if (runFrames > 0) deliverRun(host, session, end, bytes, runStart, at, runFrames);
      // The control frame may free an end: nothing remembered about a label holds after it.
      runFrames = 0;
      runLabel = 0;
      end = -1;
      counters[C.framesIn]!++;
      const answered = op === OP_LOOKUP ? host.lookup(session, bytes, at, length) : 0;
      if (answered > 0) {
        session.meter?.sent(answered - at, 1);
        at = answered;
        continue;
      }
      const after = controlFrameEnd(bytes, at, length);
      host.control(session, bytes, at, after);
      session.meter?.sent(after - at, 1);
      at = after;
      continue;
    }
    if (session.state !== LIVE) throw new ProtocolError('not-logged-in', 'Data needs a login first.');

    const after = dataFrameEnd(bytes, at, length);
    if (after < 0) {
      if (runFrames > 0) deliverRun(host, session, end, bytes, runStart, at, runFrames);
      throw dataFrameError(after);
    }
    counters[C.framesIn]!++;

    const label = readLabel(bytes, at);
    if (label !== runLabel) {
      if (runFrames > 0) deliverRun(host, session, end, bytes, runStart, at, runFrames);
      runFrames = 0;
      runLabel = label;
      end = ends.indexOf(label);
      if (end >= 0 && (ends.owner[end] !== session.slot || ends.state[end] !== OPEN)) end = -1;
    }
    const forwards = end >= 0 && (op & ~END_BIT) === ends.op[end] && ends.ended[end] === 0;
    if (forwards) {
      if (runFrames === 0) runStart = at;
      writeLabel(bytes, at, ends.peerLabel[end]!);
      runFrames++;
      if (isEndOp(op)) ends.ended[end] = 1;
    } else {
      if (runFrames > 0) deliverRun(host, session, end, bytes, runStart, at, runFrames);
      runFrames = 0;
      drop(host, session, end);
    }
    at = after;
  }
  if (runFrames > 0) deliverRun(host, session, end, bytes, runStart, at, runFrames);
}

function deliverRun(
  host: ForwardHost,
  session: Session,
  end: number,
  bytes: Uint8Array,
  start: number,
  stop: number,
  frames: number,
): void {
  const { ends, counters } = host;
  // The run's end may have been closed by what its own run did: an overrun, say.
  if (ends.state[end] !== OPEN) {
    counters[C.dropLabel]! += frames;
    return;
  }
  const reliable = ends.reliable[end] === 1;
  const priority = ends.op[end]! & CLASS_OF_OP;
  const size = stop - start;
  const { meter } = session;
  if (reliable) {
    if (size > ends.credit[end]!) {
      host.overrun(end);
      return;
    }
    ends.credit[end]! -= size;
    if (meter !== null) {
      meter.sentReserved(size, frames);
      if (ends.held[end] !== 0) host.heldCredit.wake(session);
    }
  } else {
    // The end of a stream is never shed: its receiver would wait for it.
    if (host.behind.active && ends.ended[end] === 0 && !host.behind.passes(priority, lotOf(session))) {
      counters[C.dropBehind]! += frames;
      host.why.noteSent(end, 'shard-behind', frames);
      host.congestion.dropped(end, 'relay', frames);
      return;
    }
    if (meter !== null) {
      if (priority >= meter.in.shedFrom && ends.ended[end] === 0) {
        host.shed(session, end, frames);
        return;
      }
      meter.sent(size, frames);
    }
  }
  counters[C.framesInSignal + priority]! += frames;
  counters[C.bytesInSignal + priority]! += size;
  const shard = ends.peerShard[end]!;
  if (shard === host.index) deliverLocal(host, bytes, start, stop, frames);
  else if (!host.links.sendData(shard, reliable, bytes, start, stop, frames)) {
    host.why.noteSent(end, 'ring-full', frames);
    host.congestion.dropped(end, 'relay', frames);
  }
}

/** In [0, 1), and evenly over slots: multiples of the golden ratio (Knuth, TAOCP 3, 6.4). */
function lotOf({ slot }: Session): number {
  return (slot * 0.618_033_988_749_895) % 1;
}

/** A frame of the session that goes nowhere; `end` is -1 when its label is none of the session's. */
function drop({ ends, counters, why }: ForwardHost, session: Session, end: number): void {
  if (end < 0) {
    counters[C.dropLabel]!++;
    why.note(session.key!, null, 'channel-closed');
  } else if (ends.ended[end] === 1) {
    counters[C.dropEnded]!++;
    why.noteSent(end, 'after-end', 1);
  } else {
    counters[C.dropClass]!++;
    why.noteSent(end, 'wrong-class', 1);
  }
}

/** Frames that carry the label of an end of this shard: from a session here, or out of a ring. */
export function deliverLocal(
  host: ForwardHost,
  bytes: Uint8Array,
  start: number,
  stop: number,
  frames: number,
): void {
  const { ends } = host;
  const end = ends.indexOf(readLabel(bytes, start));
  const session = end < 0 ? null : host.sessions.at(ends.owner[end]!);
  if (session === null) {
    host.counters[C.dropGone]! += frames;
    return;
  }
  host.outboxes.appendData(session, end, bytes, start, stop, frames);
}
