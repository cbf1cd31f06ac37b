/**
 * The shard's channel ends: the label-switching table. Every channel has two ends, each in the table of the shard that
 * owns its session; a label names an end in its own shard:
 *
 *     bits 31..20  generation, never 0      bits 19..0  index in this table
 *
 * so label 0 is never valid, and a label that is used after its end was freed does not match. One column per field,
 * in typed arrays: the packet path reads four of them. Ends of one session form a doubly linked list.
 */
import { KEY_BYTES } from '../../core/protocol/peer-id.ts';
import { grow } from './columns.ts';

const INDEX_BITS = 20;
export const INDEX_MASK = (1 << INDEX_BITS) - 1;
export const MAX_ENDS = 1 << INDEX_BITS;
const GENERATIONS = 1 << (32 - INDEX_BITS);
const FIRST_CAPACITY = 1024;
/** Freed indexes that rest before one is used again, so that a label comes back as late as it can. */
const QUARANTINE = 1024;

/** Opened here; the other side has not answered. */
export const OPENING = 1;
/** Offered to this session; it has not answered. */
export const OFFERED = 2;
export const OPEN = 3;

export class Ends {
  /** This end's label; 0: free. */
  label = new Uint32Array(FIRST_CAPACITY);
  /** Slot of the session that owns it. */
  owner = new Uint32Array(FIRST_CAPACITY);
  /** The other end: its shard, and its label there (0: not known yet). */
  peerShard = new Uint8Array(FIRST_CAPACITY);
  peerLabel = new Uint32Array(FIRST_CAPACITY);
  /** Key of the peer that has the other end, KEY_BYTES a row. */
  peerKeys = new Uint8Array(FIRST_CAPACITY * KEY_BYTES);
  state = new Uint8Array(FIRST_CAPACITY);
  /** The op of the channel's data frames: OP_DATA + class. */
  op = new Uint8Array(FIRST_CAPACITY);
  reliable = new Uint8Array(FIRST_CAPACITY);
  /** 1 once this end has sent its end of stream. */
  ended = new Uint8Array(FIRST_CAPACITY);
  lifeMs = new Uint16Array(FIRST_CAPACITY);
  /** Bytes that this end may still send. */
  credit = new Uint32Array(FIRST_CAPACITY);
  /** Credit that this end's session is still to be told of: it came while the session was under pressure. */
  creditDue = new Uint32Array(FIRST_CAPACITY);
  /** The account whose quota it counts for. */
  account = new Uint16Array(FIRST_CAPACITY);
  /** Credit that the other end has granted and this one is not told of yet: its budget has no room (held-credit.ts). */
  held = new Uint32Array(FIRST_CAPACITY);
  /** Of `held`, what is the rest of the initial grant: it goes first, and is told as such (docs/protocol.md §6.4). */
  heldInitial = new Uint32Array(FIRST_CAPACITY);
  /** The same of `creditDue`, beside it. */
  creditDueInitial = new Uint32Array(FIRST_CAPACITY);
  /** Bytes that this end has granted and not yet been handed. */
  owed = new Uint32Array(FIRST_CAPACITY);
  /** The `open` that is to be answered. */
  requestId = new Uint32Array(FIRST_CAPACITY);
  /** When an offer ends unanswered, performance.now() milliseconds. */
  deadline = new Float64Array(FIRST_CAPACITY);
  /** Neighbours among the session's ends, as index + 1. */
  next = new Uint32Array(FIRST_CAPACITY);
  prev = new Uint32Array(FIRST_CAPACITY);

  #generation = new Uint16Array(FIRST_CAPACITY);
  /** Freed indexes, oldest first from #freeHead on. */
  #free: number[] = [];
  #freeHead = 0;
  #used = 0;
  #count = 0;

  /** Ends in use. */
  get count(): number {
    return this.#count;
  }

  /** The index of a new end, or -1 when the table is full. Its fields are zero. */
  allocate(owner: number): number {
    const freed = this.#free.length - this.#freeHead;
    if (freed > QUARANTINE || (freed > 0 && this.#used === MAX_ENDS)) {
      return this.#claim(this.#oldestFreed(), owner);
    }
    if (this.#used === MAX_ENDS) return -1;
    if (this.#used === this.label.length) this.#grow();
    return this.#claim(this.#used++, owner);
  }

  #oldestFreed(): number {
    const index = this.#free[this.#freeHead++]!;
    if (this.#freeHead * 2 > this.#free.length) {
      this.#free = this.#free.slice(this.#freeHead);
      this.#freeHead = 0;
    }
    return index;
  }

  #claim(index: number, owner: number): number {
    const generation = (this.#generation[index]! % (GENERATIONS - 1)) + 1;
    this.#generation[index] = generation;
    this.label[index] = (generation << INDEX_BITS) | index;
    this.owner[index] = owner;
    this.peerShard[index] = 0;
    this.peerLabel[index] = 0;
    this.peerKeys.fill(0, index * KEY_BYTES, (index + 1) * KEY_BYTES);
    this.state[index] = 0;
    this.op[index] = 0;
    this.reliable[index] = 0;
    this.ended[index] = 0;
    this.lifeMs[index] = 0;
    this.credit[index] = 0;
    this.creditDue[index] = 0;
    this.held[index] = 0;
    this.heldInitial[index] = 0;
    this.creditDueInitial[index] = 0;
    this.owed[index] = 0;
    this.requestId[index] = 0;
    this.deadline[index] = 0;
    this.next[index] = 0;
    this.prev[index] = 0;
    this.#count++;
    return index;
  }

  free(index: number): void {
    this.label[index] = 0;
    this.state[index] = 0;
    this.#free.push(index);
    this.#count--;
  }

  /** The end's index, or -1 when the label names none. */
  indexOf(label: number): number {
    const index = label & INDEX_MASK;
    return label !== 0 && this.label[index] === label ? index : -1;
  }

  #grow(): void {
    const capacity = this.label.length * 2;
    this.label = grow(this.label, capacity);
    this.owner = grow(this.owner, capacity);
    this.peerShard = grow(this.peerShard, capacity);
    this.peerLabel = grow(this.peerLabel, capacity);
    this.peerKeys = grow(this.peerKeys, capacity * KEY_BYTES);
    this.state = grow(this.state, capacity);
    this.op = grow(this.op, capacity);
    this.reliable = grow(this.reliable, capacity);
    this.ended = grow(this.ended, capacity);
    this.lifeMs = grow(this.lifeMs, capacity);
    this.credit = grow(this.credit, capacity);
    this.creditDue = grow(this.creditDue, capacity);
    this.account = grow(this.account, capacity);
    this.held = grow(this.held, capacity);
    this.heldInitial = grow(this.heldInitial, capacity);
    this.creditDueInitial = grow(this.creditDueInitial, capacity);
    this.owed = grow(this.owed, capacity);
    this.requestId = grow(this.requestId, capacity);
    this.deadline = grow(this.deadline, capacity);
    this.next = grow(this.next, capacity);
    this.prev = grow(this.prev, capacity);
    this.#generation = grow(this.#generation, capacity);
  }
}
