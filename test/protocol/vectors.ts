/** Reads test/vectors/*.json; the shapes are described in test/vectors/README.md. */
import { readFileSync } from 'node:fs';
import type { ControlOp } from '../../core/protocol/control.ts';

export interface FrameVector {
  description: string;
  decodeOnly?: true;
  op: number;
  class: string;
  end: boolean;
  label: number;
  payloadBytes: number;
  payload?: string;
  payloadRule?: { times: number; plus: number; modulo: number };
  frameBytes: number;
  hex?: string;
  headerHex?: string;
}

export interface ControlVector {
  description: string;
  decodeOnly?: true;
  name: string;
  op: ControlOp;
  requestId: number;
  body: Record<string, unknown>;
  hex: string;
}

export interface LoginVector {
  description: string;
  seed: string;
  peer: string;
  relay: string;
  nonce: string;
  client: string;
  loginText: string;
  signature: string;
  secret: string;
  resumeText: string;
  proof: string;
  ticket: string;
  ageMs: number;
  earlyText: string;
  earlyProof: string;
  subprotocol: string;
}

export interface PeerIdVectors {
  valid: { description: string; publicKey: string; id: string }[];
  read: { description: string; text: string; id: string }[];
  invalid: { description: string; text: string }[];
}

export interface BadVector {
  description: string;
  by: 'codec' | 'relay';
  before: 'login' | 'ready';
  error?: string;
  fatal?: boolean;
  drop?: string;
  hex?: string;
  text?: string;
  then?: { byte: string; times: number };
}

function read(name: string): unknown {
  return JSON.parse(readFileSync(new URL(`../vectors/${name}`, import.meta.url), 'utf8'));
}

export const frameVectors = read('frames.json') as FrameVector[];
export const controlVectors = read('control.json') as ControlVector[];
export const loginVectors = read('login.json') as LoginVector[];
export const peerIdVectors = read('peer-id.json') as PeerIdVectors;
export const badVectors = read('bad.json') as BadVector[];

/** A plain Uint8Array with memory of its own, as a WebSocket's ArrayBuffer gives. */
export function bytesOf(hex: string): Uint8Array {
  return Uint8Array.from(Buffer.from(hex, 'hex'));
}

export function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
}

/** Fields of control bodies that are bytes, or arrays of them. `record` is also a boolean, and `bytes` a number. */
const BYTES = new Set([
  ...['relay', 'nonce', 'peer', 'signature', 'ticket', 'proof', 'secret', 'to', 'from'],
  ...['record', 'former', 'vault', 'after', 'id', 'bytes'],
  ...['peers', 'keys', 'allow', 'disallow', 'block', 'unblock'],
]);

function fieldOf(key: string, value: unknown): unknown {
  if (Array.isArray(value)) return value.map((item) => fieldOf(key, item));
  if (typeof value === 'object' && value !== null) return bodyOf(value as Record<string, unknown>);
  return BYTES.has(key) && typeof value === 'string' ? bytesOf(value) : value;
}

/** The body as the codec has it: hex text of the fields that are bytes becomes bytes. */
export function bodyOf(json: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(json).map(([key, value]) => [key, fieldOf(key, value)]));
}

/** The message of a bad vector that is binary. */
export function messageOf(vector: BadVector): Uint8Array {
  return bytesOf((vector.hex ?? '') + (vector.then ? vector.then.byte.repeat(vector.then.times) : ''));
}
