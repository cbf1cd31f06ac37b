/**
 * A single-producer single-consumer byte ring over a SharedArrayBuffer: how one shard hands frames to another.
 *
 *   word 0     tail: bytes ever written, mod 2^32       (the producer writes, the consumer reads)
 *   word 16    head: bytes ever read, mod 2^32          (the consumer writes, the producer reads)
 *   byte 128.. records, each 8-byte aligned, never wrapped:
 *
 *      u32  bytes of the payload (0xffffffff: skip to the start of the ring)
 *      u32  kind << 24 | shift << 20 | count      shift: padding before the payload, 0..7
 *      shift bytes, payload, padding to 8
 *
 * Head and tail are on cache lines of their own. The producer publishes a whole turn's records with one store of the
 * tail (`commit`). `shift` gives the copy the alignment of its source: a copy into a SharedArrayBuffer between
 * different alignments costs 0.28 ns a byte, between equal ones 0.04 (V8 must use relaxed, so word-wise, moves).
 */

const TAIL = 0;
const HEAD = 16;
const DATA_AT = 128;
const RECORD_HEADER = 8;
const SKIP = 0xffff_ffff;

/** Frames counted in one record: 20 bits. */
export const MAX_RECORD_COUNT = 0xfffff;

/** @param capacityBytes a power of two, at least 1 KiB. */
export function createRing(capacityBytes: number): SharedArrayBuffer {
  if (capacityBytes < 1024 || (capacityBytes & (capacityBytes - 1)) !== 0) {
    throw new RangeError(`A ring's capacity must be a power of two of at least 1024, not ${capacityBytes}.`);
  }
  return new SharedArrayBuffer(DATA_AT + capacityBytes);
}

/** Largest payload that a ring of this capacity takes at any position. */
export function maxRecordBytes(capacityBytes: number): number {
  return capacityBytes / 2 - RECORD_HEADER - 16;
}

/** The writing end; exactly one thread has it. */
export class RingProducer {
  readonly #control: Int32Array;
  readonly #words: Uint32Array;
  readonly #bytes: Uint8Array;
  readonly #capacity: number;
  readonly #mask: number;
  #tail: number;
  #headSeen: number;
  #published: number;

  constructor(ring: SharedArrayBuffer) {
    this.#capacity = ring.byteLength - DATA_AT;
    this.#mask = this.#capacity - 1;
    this.#control = new Int32Array(ring, 0, 32);
    this.#words = new Uint32Array(ring, DATA_AT);
    this.#bytes = new Uint8Array(ring, DATA_AT);
    this.#tail = Atomics.load(this.#control, TAIL) >>> 0;
    this.#published = this.#tail;
    this.#headSeen = Atomics.load(this.#control, HEAD) >>> 0;
  }

  /** True when records were written and not yet committed. */
  get dirty(): boolean {
    return this.#tail !== this.#published;
  }

  /**
   * Copies source[start, end) into a record. PACKET PATH.
   * @returns false when the ring has no room: nothing was written, what was written before is committed.
   */
  write(kind: number, count: number, source: Uint8Array, start: number, end: number): boolean {
    const length = end - start;
    const shift = (source.byteOffset + start) & 7;
    const whole = (RECORD_HEADER + shift + length + 7) & ~7;
    let at = this.#tail & this.#mask;
    const toEnd = this.#capacity - at;
    const needed = whole <= toEnd ? whole : whole + toEnd;
    if (needed > this.#room() && needed > this.#roomNow()) {
      this.commit();
      return false;
    }
    if (whole > toEnd) {
      this.#words[at >>> 2] = SKIP;
      this.#tail = (this.#tail + toEnd) >>> 0;
      at = 0;
    }
    this.#words[at >>> 2] = length;
    this.#words[(at >>> 2) + 1] = (kind << 24) | (shift << 20) | count;
    this.#bytes.set(
      start === 0 && end === source.length ? source : source.subarray(start, end),
      at + RECORD_HEADER + shift,
    );
    this.#tail = (this.#tail + whole) >>> 0;
    return true;
  }

  /** Makes every record written so far visible to the consumer. */
  commit(): void {
    if (this.#tail === this.#published) return;
    this.#published = this.#tail;
    Atomics.store(this.#control, TAIL, this.#tail | 0);
  }

  #room(): number {
    return this.#capacity - ((this.#tail - this.#headSeen) >>> 0);
  }

  #roomNow(): number {
    this.#headSeen = Atomics.load(this.#control, HEAD) >>> 0;
    return this.#room();
  }
}

/** Gets a record; `bytes` is the ring itself, readable until the call returns. */
export type RecordReader = (
  kind: number,
  count: number,
  bytes: Uint8Array,
  start: number,
  end: number,
) => void;

/** The reading end; exactly one thread has it. */
export class RingConsumer {
  readonly #control: Int32Array;
  readonly #words: Uint32Array;
  readonly #bytes: Uint8Array;
  readonly #capacity: number;
  readonly #mask: number;
  #head: number;

  constructor(ring: SharedArrayBuffer) {
    this.#capacity = ring.byteLength - DATA_AT;
    this.#mask = this.#capacity - 1;
    this.#control = new Int32Array(ring, 0, 32);
    this.#words = new Uint32Array(ring, DATA_AT);
    this.#bytes = new Uint8Array(ring, DATA_AT);
    this.#head = Atomics.load(this.#control, HEAD) >>> 0;
  }

  /** True when the producer has committed records that were not read. */
  get ready(): boolean {
    return Atomics.load(this.#control, TAIL) >>> 0 !== this.#head;
  }

  /**
   * Reads the records committed by now. PACKET PATH. A throw of `reader` loses no other record: the one that it was
   * given counts as read.
   * @returns how many records were read.
   */
  drain(reader: RecordReader): number {
    const tail = Atomics.load(this.#control, TAIL) >>> 0;
    let records = 0;
    try {
      while (this.#head !== tail) {
        const at = this.#head & this.#mask;
        const length = this.#words[at >>> 2]!;
        if (length === SKIP) {
          this.#head = (this.#head + this.#capacity - at) >>> 0;
          continue;
        }
        const tag = this.#words[(at >>> 2) + 1]!;
        const shift = (tag >>> 20) & 7;
        const start = at + RECORD_HEADER + shift;
        this.#head = (this.#head + ((RECORD_HEADER + shift + length + 7) & ~7)) >>> 0;
        records++;
        reader(tag >>> 24, tag & MAX_RECORD_COUNT, this.#bytes, start, start + length);
      }
    } finally {
      Atomics.store(this.#control, HEAD, this.#head | 0);
    }
    return records;
  }
}
