/**
 * What it costs a whole relay to look a peer up, from socket to socket: by a `lookup` of a peer that is online, and by an
 * `open`. Records of peers that are away: directory-million.ts.
 *
 * One iteration is a window of look-ups in one bundle and all of their answers, so the figure is the relay's time for one
 * look-up among many and not a round trip.
 */
import { controlFrameEnd, decodeControl, encodeControl } from '../../core/protocol/control.ts';
import { STATE_ONLINE } from '../../core/protocol/directory-ops.ts';
import type { CloseReason } from '../../core/protocol/errors.ts';
import { OP_CLOSED, OP_FOUND, OP_LOOKUP, OP_OFFER, OP_OPEN, OP_REJECT } from '../../core/protocol/ops.ts';
import { supernode } from '../systems/supernode.ts';
import { consume } from './blackhole.ts';
import { warmUp } from './call.ts';
import { Caller } from './caller.ts';
import { numbersFrom } from './numbers.ts';
import { defineSuite, type OpenSuite, type Placement } from './task.ts';

const ABSENT_WINDOW = 256;
/** A relay lets 32 offers wait for one callee (docs/protocol.md §9). */
const CALLEES = 4;
const PRESENT_WINDOW = CALLEES * 16;
/** Encoded as uint 16 throughout, so that all answers of a window have one length. */
const FIRST_REQUEST = 0x1000;
const REQUEST_AT = 3;

const KIND = { reliable: false, priority: 1, lifeMs: 200, credit: 0, protocol: '' };

/** Sockets that look up at the same time, and peers that they look up. */
const ASKERS = 4;
const ONLINE = 60;
const ONLINE_WINDOW = 256;
const BECOMES_PLAIN_MS = 10_000;

type Names = 'absent' | 'present' | 'online';

export const directorySuite = defineSuite<Names>({
  suite: 'directory',
  tasks: {
    absent: {
      title: 'Look for a peer that is not there, through a relay',
      operations: ABSENT_WINDOW,
      parameters: { window: ABSENT_WINDOW, shards: 1 },
    },
    present: {
      title: 'Find a peer through a relay: it gets an offer and rejects it',
      operations: PRESENT_WINDOW,
      parameters: { window: PRESENT_WINDOW, shards: 1, callees: CALLEES },
    },
    online: {
      title: 'Look up peers that are online, through a relay, windows from several sockets',
      operations: ASKERS * ONLINE_WINDOW,
      parameters: { window: ONLINE_WINDOW, shards: 1, sockets: ASKERS, peers: ONLINE },
    },
  },
  open,
});

async function open({ core }: Placement): Promise<OpenSuite<Names>> {
  const relay = await supernode.start({ core, shards: 1 });
  const callers: Caller[] = [];
  const connect = async (): Promise<Caller> => {
    const caller = await Caller.connect(relay.address);
    callers.push(caller);
    return caller;
  };
  const close = async (): Promise<void> => {
    for (const caller of callers) caller.end();
    await relay.stop();
  };
  try {
    const asker = await connect();
    const callees: Uint8Array[] = [];
    for (let i = 0; i < CALLEES; i++) {
      const callee = await connect();
      callee.onbundle = rejector(callee);
      callees.push(callee.publicKey);
    }
    const numbers = numbersFrom(6);
    const absent = Array.from({ length: ABSENT_WINDOW }, () => numbers.bytes(32));
    const present = Array.from({ length: PRESENT_WINDOW }, (_, i) => callees[i % CALLEES]!);
    const askers = [asker];
    while (askers.length < ASKERS) askers.push(await connect());
    const online = [...callees];
    while (online.length < ONLINE) online.push((await connect()).publicKey);
    for (const peer of online) await foundOnline(asker, peer);
    const windows = askers.map((one, i) => onlineLookUps(one, online, i));
    const iterate = {
      online: async () => {
        await Promise.all(windows.map((window) => window()));
      },
      absent: lookUps(asker, absent, 'not-found'),
      present: lookUps(asker, present, 'rejected'),
    };
    await warmUp(iterate.absent);
    await warmUp(iterate.present);
    await warmUp(iterate.online);
    return {
      work: {
        absent: { async: true, iterate: iterate.absent },
        present: { async: true, iterate: iterate.present },
        online: { async: true, iterate: iterate.online },
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Asks for all of the keys at once; each must be answered once, with this reason. */
function lookUps(asker: Caller, keys: readonly Uint8Array[], reason: CloseReason): () => Promise<void> {
  const bundle = Buffer.concat(
    keys.map((to, i) => encodeControl(OP_OPEN, FIRST_REQUEST + i, { to, ...KIND })),
  );
  return window(
    asker,
    bundle,
    new Answers(keys.length, encodeControl(OP_CLOSED, FIRST_REQUEST, { label: 0, reason })),
  );
}

function onlineLookUps(asker: Caller, online: readonly Uint8Array[], offset: number): () => Promise<void> {
  const bundle = Buffer.concat(
    Array.from({ length: ONLINE_WINDOW }, (_, i) =>
      encodeControl(OP_LOOKUP, FIRST_REQUEST + i, { peer: online[(i * 7 + offset) % online.length]! }),
    ),
  );
  const expected = encodeControl(OP_FOUND, FIRST_REQUEST, { state: STATE_ONLINE });
  return window(asker, bundle, new Answers(ONLINE_WINDOW, expected));
}

/** A peer that has just come is not found by others until the relay has read whether it is open to all. */
async function foundOnline(asker: Caller, peer: Uint8Array): Promise<void> {
  const deadline = performance.now() + BECOMES_PLAIN_MS;
  for (;;) {
    const answer = await new Promise<Uint8Array>((resolve, reject) => {
      asker.onfailure = reject;
      asker.onbundle = (bytes) => resolve(Uint8Array.from(bytes));
      asker.send(encodeControl(OP_LOOKUP, FIRST_REQUEST, { peer }));
    });
    const { op, body } = decodeControl(answer, 0, controlFrameEnd(answer, 0, answer.length));
    if (op === OP_FOUND && body.state === STATE_ONLINE) return;
    if (performance.now() > deadline) throw new Error(`A peer that is online is answered with op ${op}.`);
  }
}

/** Sends the bundle; resolves when all of its answers have come. */
function window(asker: Caller, bundle: Uint8Array, answers: Answers): () => Promise<void> {
  return () =>
    new Promise((resolve, reject) => {
      asker.onfailure = reject;
      asker.onbundle = (bytes) => {
        if (answers.read(bytes)) resolve();
      };
      asker.send(bundle);
    });
}

/**
 * The answers of a window. The client must cost less than the relay, so it decodes nothing: all answers are the bytes of
 * the one that is expected but for the requestId.
 */
class Answers {
  readonly #expected: Uint8Array;
  readonly #answered: Uint8Array;
  readonly #count: number;
  #left: number;

  constructor(count: number, expected: Uint8Array) {
    this.#expected = expected;
    this.#answered = new Uint8Array(count);
    this.#count = count;
    this.#left = count;
  }

  /** @returns whether the window is complete. @throws Error for any other frame, and for one that came twice. */
  read(bytes: Uint8Array): boolean {
    const { length } = this.#expected;
    for (let at = 0; at < bytes.length; at += length) {
      const request = (bytes[at + REQUEST_AT]! << 8) | bytes[at + REQUEST_AT + 1]!;
      const index = request - FIRST_REQUEST;
      if (!this.#isExpected(bytes, at) || this.#answered[index] !== 0) {
        const end = controlFrameEnd(bytes, at, bytes.length);
        const { op, requestId, body } = decodeControl(bytes, at, end);
        throw new Error(`The relay answered op ${op} to request ${requestId}: ${JSON.stringify(body)}.`);
      }
      this.#answered[index] = 1;
      this.#left--;
      consume(request);
    }
    if (this.#left > 0) return false;
    this.#left = this.#count;
    this.#answered.fill(0);
    return true;
  }

  #isExpected(bytes: Uint8Array, at: number): boolean {
    const expected = this.#expected;
    for (let i = 0; i < expected.length; i++) {
      const isRequest = i === REQUEST_AT || i === REQUEST_AT + 1;
      if (!isRequest && bytes[at + i] !== expected[i]) return false;
    }
    return true;
  }
}

/** Answers every offer with a reject. It, too, decodes only the first: labels are 5 bytes at one place in all of them. */
function rejector(callee: Caller): (bytes: Uint8Array) => void {
  let offerBytes = 0;
  let labelAt = 0;
  const template = encodeControl(OP_REJECT, 0, { label: 0xffff_ffff });
  const rejectLabelAt = template.length - 4;
  return (bytes) => {
    if (offerBytes === 0) {
      offerBytes = controlFrameEnd(bytes, 0, bytes.length);
      labelAt = labelOffset(bytes, offerBytes);
    }
    const rejects = new Uint8Array((bytes.length / offerBytes) * template.length);
    let out = 0;
    for (let at = 0; at < bytes.length; at += offerBytes, out += template.length) {
      if (bytes[at + 1] !== OP_OFFER)
        throw new Error(`The relay sent op ${bytes[at + 1]} where an offer was due.`);
      rejects.set(template, out);
      rejects.set(bytes.subarray(at + labelAt, at + labelAt + 4), out + rejectLabelAt);
    }
    callee.send(rejects);
  };
}

function labelOffset(bytes: Uint8Array, end: number): number {
  const offer = decodeControl(bytes, 0, end);
  if (offer.op !== OP_OFFER) throw new Error(`The relay sent op ${offer.op} where an offer was due.`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, end);
  for (let at = 0; at + 4 <= end; at++) if (view.getUint32(at) === offer.body.label) return at;
  throw new Error(`The label ${offer.body.label} is not four bytes in its offer.`);
}
