/**
 * `login` and `resume` as every client of ours writes them: fields in the order of docs/protocol.md §5, each in its shortest form.
 * To read one by msgpackr and its schema takes 3.5 us, one twentieth of what coming back takes; to see that the bytes are
 * these and copy three fields takes less than 1. Whatever differs in any byte is read the other way (control.ts), and only
 * that says what is wrong with it.
 */
import { MAX_TICKET_BYTES } from './limits.ts';
import { OP_LOGIN, OP_RESUME } from './ops.ts';
import { portion } from './portion.ts';

const MAP_OF_3 = 0x83;
const BIN_8 = 0xc4;
const FIXSTR = 0xa0;
const MOST_FIXSTR_BYTES = 31;
const MOST_FIXINT = 0x7f;

/** A name as msgpack has it, and how many bytes its value has: exactly, or up to. */
interface Field {
  name: Uint8Array;
  least: number;
  most: number;
}

function field(name: string, least: number, most = least): Field {
  return { name: nameBytes(name), least, most };
}

function nameBytes(name: string): Uint8Array {
  return new Uint8Array([FIXSTR | name.length, ...new TextEncoder().encode(name)]);
}

const PEER = field('peer', 32);
const SIGNATURE = field('signature', 64);
const TICKET = field('ticket', 0, MAX_TICKET_BYTES);
const PROOF = field('proof', 32);
const CLIENT = nameBytes('client');
/** The version that was read last, and its bytes: the next one is mostly the same. */
let lastClient = '';
let lastClientBytes = new Uint8Array(0);

export interface LoginForm {
  op: typeof OP_LOGIN;
  requestId: number;
  body: { peer: Uint8Array; signature: Uint8Array; client: string };
}
export interface ResumeForm {
  op: typeof OP_RESUME;
  requestId: number;
  body: { ticket: Uint8Array; proof: Uint8Array; client: string };
}

/** @returns the frame in [start, end), or null: it is no login or resume, or not written like this. The fields are copies. */
export function readLoginForm(frame: Uint8Array, start: number, end: number): LoginForm | ResumeForm | null {
  const op = frame[start + 1];
  if (op !== OP_LOGIN && op !== OP_RESUME) return null;
  const requestId = frame[start + 2]!;
  if (requestId > MOST_FIXINT || frame[start + 3] !== MAP_OF_3) return null;
  const [first, second] = op === OP_LOGIN ? [PEER, SIGNATURE] : [TICKET, PROOF];
  const firstAt = valueAt(frame, start + 4, end, first);
  if (firstAt === 0) return null;
  const firstEnd = firstAt + frame[firstAt - 1]!;
  const secondAt = valueAt(frame, firstEnd, end, second);
  if (secondAt === 0) return null;
  const secondEnd = secondAt + frame[secondAt - 1]!;
  const client = asciiAt(frame, secondEnd, end);
  if (client === null) return null;
  const length = firstEnd - firstAt;
  if (op === OP_LOGIN) {
    const peer = copyTo(new Uint8Array(length), frame, firstAt);
    const signature = copyTo(new Uint8Array(secondEnd - secondAt), frame, secondAt);
    return { op, requestId, body: { peer, signature, client } };
  }
  const ticket = copyTo(portion(length), frame, firstAt);
  const proof = copyTo(new Uint8Array(secondEnd - secondAt), frame, secondAt);
  return { op, requestId, body: { ticket, proof, client } };
}

/** @returns where the field's bytes begin, right after their length; 0: something else is at `at`. */
function valueAt(frame: Uint8Array, at: number, end: number, { name, least, most }: Field): number {
  const header = at + name.length;
  if (header + 2 > end || !hasAt(frame, at, name) || frame[header] !== BIN_8) return 0;
  const length = frame[header + 1]!;
  return length >= least && length <= most && header + 2 + length <= end ? header + 2 : 0;
}

/** @returns the client's version, which must end the frame; null: something else is there, or more than ASCII. */
function asciiAt(frame: Uint8Array, at: number, end: number): string | null {
  const header = at + CLIENT.length;
  if (header >= end || !hasAt(frame, at, CLIENT)) return null;
  const length = frame[header]! - FIXSTR;
  if (length < 0 || length > MOST_FIXSTR_BYTES || header + 1 + length !== end) return null;
  if (length !== lastClient.length || !hasAt(frame, header + 1, lastClientBytes)) {
    // Not frame.slice: a Buffer gives a view, which changes with the socket's buffer.
    const bytes = new Uint8Array(frame.subarray(header + 1, end));
    if (bytes.some((byte) => byte > 0x7f)) return null;
    lastClient = String.fromCharCode(...bytes);
    lastClientBytes = bytes;
  }
  return lastClient;
}

function hasAt(frame: Uint8Array, at: number, bytes: Uint8Array): boolean {
  for (let k = 0; k < bytes.length; k++) if (frame[at + k] !== bytes[k]) return false;
  return true;
}

function copyTo(copy: Uint8Array, frame: Uint8Array, from: number): Uint8Array {
  for (let k = 0; k < copy.length; k++) copy[k] = frame[from + k]!;
  return copy;
}
