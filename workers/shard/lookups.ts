/**
 * Look-ups (docs/protocol.md §12.5). Of a peer that is online and open to all the shard answers by itself, from the
 * presence table; of a record that everyone may see, from its cache; anything else goes to the directory pool, so that
 * who hides and who does not exist take the same way.
 *
 * `here` is on the way of a packet: the look-up by key that any msgpack library writes is recognised by its bytes,
 *
 *     93 40 <requestId, u8 to u32> 81 a4 'peer' c4 20 <32 bytes of key>
 *
 * and its answer written into the outbox, with no decoding and no allocation.
 */
import type { Body } from '../../core/protocol/control.ts';
import { STATE_AWAY, STATE_OFFLINE, STATE_ONLINE } from '../../core/protocol/directory-ops.ts';
import { ARRAY_OF_3 } from '../../core/protocol/frame.ts';
import { OP_FOUND, OP_LOOKUP } from '../../core/protocol/ops.ts';
import { KEY_BYTES } from '../../core/protocol/peer-id.ts';
import { C } from '../../core/threads/counters.ts';
import {
  type Place,
  PRESENCE_AWAY,
  PRESENCE_PLAIN,
  type PresenceTable,
} from '../../core/threads/presence.ts';
import type { Versions } from '../../core/threads/versions.ts';
import type { Outboxes } from './outbox.ts';
import { RecordCache } from './record-cache.ts';
import type { Requests } from './requests.ts';
import { LIVE, type Session } from './session.ts';

/** From the body of a look-up by key to its key: map of 1, text of 4, `peer`, bin 8 of 32. */
const BODY_HEAD = Uint8Array.of(0x81, 0xa4, 0x70, 0x65, 0x65, 0x72, 0xc4, KEY_BYTES);
/** The body of its answer but for the state: map of 1, text of 5, `state`. */
const ANSWER_HEAD = Uint8Array.of(0x81, 0xa5, 0x73, 0x74, 0x61, 0x74, 0x65);
/** Array, op, requestId, body and state of the longest such answer. */
const ANSWER_BYTES = 2 + 5 + ANSWER_HEAD.length + 1;
const UINT_8 = 0xcc;
const UINT_16 = 0xcd;
const UINT_32 = 0xce;

export interface LookupsHost {
  readonly outboxes: Outboxes;
  readonly presence: PresenceTable;
  readonly versions: Versions;
  readonly counters: Float64Array;
  readonly requests: Requests;
}

export class Lookups {
  readonly cache: RecordCache;
  readonly #host: LookupsHost;
  readonly #place: Place = { shard: 0, slot: 0, generation: 0, flags: 0 };

  constructor(host: LookupsHost) {
    this.#host = host;
    this.cache = new RecordCache(host.versions);
  }

  /**
   * PACKET PATH. Answers the look-up at `at` if it is one by key without record, of a peer that is online and open to all.
   * @returns the offset after it; 0: look at it in the general way.
   */
  here(session: Session, bytes: Uint8Array, at: number, end: number): number {
    if (session.state !== LIVE || bytes[at] !== ARRAY_OF_3 || bytes[at + 1] !== OP_LOOKUP) return 0;
    const first = bytes[at + 2]!;
    let requestId = first;
    let body = at + 3;
    if (first === UINT_8) {
      requestId = bytes[body]!;
      body += 1;
    } else if (first === UINT_16) {
      requestId = (bytes[body]! << 8) | bytes[body + 1]!;
      body += 2;
    } else if (first === UINT_32) {
      requestId = readU32(bytes, body);
      body += 4;
    } else if (first > 0x7f) return 0;
    const key = body + BODY_HEAD.length;
    if (requestId === 0 || key + KEY_BYTES > end) return 0;
    for (let i = 0; i < BODY_HEAD.length; i++) if (bytes[body + i] !== BODY_HEAD[i]) return 0;

    const { presence, counters } = this.#host;
    const place = this.#place;
    if (!presence.findAt(bytes, key, place) || (place.flags & PRESENCE_PLAIN) === 0) return 0;
    counters[C.lookups]!++;
    counters[C.lookupsOnShard]!++;
    this.#writeFound(session, requestId, stateOf(place.flags));
    return key + KEY_BYTES;
  }

  /** The general way. */
  lookup(session: Session, requestId: number, body: Body<typeof OP_LOOKUP>): void {
    const { counters, requests } = this.#host;
    const { peer, name, record = false } = body;
    counters[C.lookups]!++;
    if (peer !== undefined && !record && this.#isPlainHere(peer)) {
      counters[C.lookupsOnShard]!++;
      requests.answer(session, OP_FOUND, requestId, { state: stateOf(this.#place.flags) });
      return;
    }
    const question = { peer, name, record };
    if (this.#answerFromCache(session, requestId, question)) return;
    const asker = session.key!;
    const ask = {
      t: 'lookup' as const,
      asker,
      record,
      ...(peer === undefined ? { name: name! } : { peer }),
    };
    requests.ask<'lookup'>(session, requestId, ask, (answer) => {
      this.cache.keep(question, answer, performance.now());
      const { state, seenMs } = answer;
      requests.answer(session, OP_FOUND, requestId, {
        peer: peer === undefined ? answer.peer : undefined,
        state,
        seenMs,
        record: answer.record,
      });
    });
  }

  #answerFromCache(
    session: Session,
    requestId: number,
    question: { peer: Uint8Array | undefined; name: string | undefined; record: boolean },
  ): boolean {
    const hit = this.cache.find(question, performance.now());
    if (hit === undefined) return false;
    const { presence, counters, requests } = this.#host;
    const online = presence.find(hit.peer, this.#place);
    if (online) {
      // When it leaves, the cache does not know when that was.
      hit.seenMs = undefined;
      if ((this.#place.flags & PRESENCE_PLAIN) === 0) return false;
    } else if (hit.seenMs === undefined) return false;
    counters[C.lookupsCached]!++;
    requests.answer(session, OP_FOUND, requestId, {
      peer: question.peer === undefined ? hit.peer : undefined,
      state: online ? stateOf(this.#place.flags) : STATE_OFFLINE,
      seenMs: online ? undefined : hit.seenMs,
      record: hit.record,
    });
    return true;
  }

  #isPlainHere(peer: Uint8Array): boolean {
    return this.#host.presence.find(peer, this.#place) && (this.#place.flags & PRESENCE_PLAIN) !== 0;
  }

  /** The bytes that encodeControl would give. */
  #writeFound(session: Session, requestId: number, state: number): void {
    const { outboxes, requests } = this.#host;
    if (!outboxes.roomForControl(session, ANSWER_BYTES)) {
      requests.answer(session, OP_FOUND, requestId, { state });
      return;
    }
    const out = session.outbox!.bytes;
    let at = session.outEnd;
    out[at++] = ARRAY_OF_3;
    out[at++] = OP_FOUND;
    if (requestId < 0x80) {
      out[at++] = requestId;
    } else if (requestId < 0x100) {
      out[at++] = UINT_8;
      out[at++] = requestId;
    } else if (requestId < 0x1_0000) {
      out[at++] = UINT_16;
      out[at++] = requestId >>> 8;
      out[at++] = requestId;
    } else {
      out[at++] = UINT_32;
      out[at++] = requestId >>> 24;
      out[at++] = requestId >>> 16;
      out[at++] = requestId >>> 8;
      out[at++] = requestId;
    }
    for (let i = 0; i < ANSWER_HEAD.length; i++) out[at++] = ANSWER_HEAD[i]!;
    out[at++] = state;
    session.outEnd = at;
    session.outFrames++;
  }
}

export function stateOf(flags: number): number {
  return (flags & PRESENCE_AWAY) === 0 ? STATE_ONLINE : STATE_AWAY;
}

function readU32(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
}
