/**
 * One login over a fresh connection, as cheap as Node can make it, so that one core of load keeps a relay's core busy with
 * them: a socket of node:net that reads into one shared buffer, frames written beforehand, fields read where they must lie.
 * ControlPeer checks every frame that a relay sends; this looks at the three of a login.
 *
 *   connect -> upgrade -> hello: host.greeted -> prepare, send -> ready: host.ended(null)   (or host.ended(error))
 *   connect -> upgrade with a ticket -> ready: host.ended(null)                             (or hello, and as above)
 */
import { connect, type Socket } from 'node:net';
import { hmacSha256 } from '../../core/identity/hmac.ts';
import type { Identity } from '../../core/identity/identity.ts';
import { TICKET_BYTES } from '../../core/identity/ticket.ts';
import { type Body, controlFrameEnd, decodeControl, encodeControl } from '../../core/protocol/control.ts';
import { EARLY_PREFIX, earlyBytes } from '../../core/protocol/early-resume.ts';
import { ANNOUNCED_LIMITS, LOGIN_TIMEOUT_MS, TICKET_LIFETIME_MS } from '../../core/protocol/limits.ts';
import { earlyText, loginText, resumeText } from '../../core/protocol/login-text.ts';
import { SUBPROTOCOL } from '../../core/protocol/names.ts';
import * as op from '../../core/protocol/ops.ts';
import { LoadFault } from './fault.ts';
import type { AnyLoginProof } from './scenarios/scenario.ts';
import { writeNow } from './tcp-wire.ts';
import { BINARY, headerBytes, writeHeader } from './websocket-framing.ts';

const CLIENT = 'supernode-bench/1';
const HELLO = 0;
const READY = 1;
const CLOSE = 0x88;
const END_OF_HEADERS = '\r\n\r\n';

/** Shared by all attempts: a read is consumed before the next one starts. */
const readBuffer = Buffer.allocUnsafeSlow(64 * 1024);

/** What a relay says no with. No Error: a storm gets thousands a second, and a stack takes longer than all else of a refusal. */
export type LoginRefusal = Body<typeof op.OP_ERROR>;

/** Who logs in, over and over. */
export interface Comer {
  identity: Identity;
  ticket: { relay: Uint8Array; ticket: Uint8Array; secret: Uint8Array; gotMs: number } | null;
}

export interface AttemptHost {
  /** The relay has said hello: `prepare` and `send` may be called. */
  greeted(attempt: LoginAttempt): void;
  /** Logged in (null; the connection stays until `leave`), refused, or broken. Once. */
  ended(attempt: LoginAttempt, error: LoginRefusal | LoadFault | null): void;
}

/** Where an attempt goes. */
export interface Target {
  host: string;
  port: number;
  /** The request for a WebSocket, up to the end of its last header. */
  request: string;
}

export function targetOf(address: string): Target {
  const { hostname, port, host } = new URL(address);
  const request =
    `GET / HTTP/1.1\r\nHost: ${host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
    'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: c3VwZXJub2RlIGJlbmNoIQ==\r\n' +
    `Sec-WebSocket-Protocol: ${SUBPROTOCOL}`;
  return { host: hostname, port: Number(port), request };
}

// Fields are bytes that occur once in their frame, so that their places can be found.
const KEY = new Uint8Array(32).fill(0xf1);
const NONCE = new Uint8Array(32).fill(0xf2);
const TICKET = new Uint8Array(TICKET_BYTES).fill(0xf3);
const SECRET = new Uint8Array(32).fill(0xf4);
const SIGNATURE = new Uint8Array(64).fill(0xf5);

const hello = encodeControl(op.OP_HELLO, 0, { relay: KEY, nonce: NONCE, loginTimeoutMs: LOGIN_TIMEOUT_MS });
const ready = encodeControl(op.OP_READY, 0, {
  peer: KEY,
  resumed: false,
  ticket: TICKET,
  secret: SECRET,
  ticketLifeMs: TICKET_LIFETIME_MS,
  limits: ANNOUNCED_LIMITS,
});
const login = messageOf(encodeControl(op.OP_LOGIN, 0, { peer: KEY, signature: SIGNATURE, client: CLIENT }));
const resume = messageOf(encodeControl(op.OP_RESUME, 0, { ticket: TICKET, proof: SECRET, client: CLIENT }));
const AT = {
  relay: placeOf(KEY, hello),
  nonce: placeOf(NONCE, hello),
  peer: placeOf(KEY, ready),
  ticket: placeOf(TICKET, ready),
  secret: placeOf(SECRET, ready),
  loginPeer: placeOf(KEY, login),
  signature: placeOf(SIGNATURE, login),
  resumeTicket: placeOf(TICKET, resume),
  proof: placeOf(SECRET, resume),
};

export class LoginAttempt {
  readonly comer: Comer;
  /** performance.now(). */
  readonly startedAtMs = performance.now();
  readonly #host: AttemptHost;
  readonly #socket: Socket;
  #descriptor = -1;
  #upgraded = false;
  #expected = HELLO;
  #offered = false;
  #ended = false;
  /** The beginning of what has not come whole. */
  #held: Buffer | null = null;
  #relay: Uint8Array | null = null;
  #nonce: Uint8Array | null = null;

  /** @param early whether a ticket that there is goes with the request. */
  constructor(target: Target, comer: Comer, host: AttemptHost, early: boolean) {
    this.comer = comer;
    this.#host = host;
    this.#socket = connect({
      host: target.host,
      port: target.port,
      noDelay: true,
      onread: {
        buffer: readBuffer,
        callback: (length) => {
          this.#read(length);
          return true;
        },
      },
    });
    this.#socket.once('connect', () => {
      const { _handle: handle } = this.#socket as unknown as { _handle?: { fd?: number } };
      this.#descriptor = handle?.fd ?? -1;
      this.send(this.#request(target, early));
    });
    this.#socket.on('end', () => {
      this.#descriptor = -1;
    });
    this.#socket.on('error', (error) => this.#end(new LoadFault('broken', error.message)));
    this.#socket.on('close', () => this.#end(new LoadFault('broken', 'The relay closed the connection.')));
  }

  #request({ request }: Target, early: boolean): Uint8Array {
    const { ticket } = this.comer;
    if (!early || ticket === null) return Buffer.from(request + END_OF_HEADERS, 'latin1');
    this.#offered = true;
    const ageMs = Math.floor(performance.now() - ticket.gotMs);
    const proof = hmacSha256(ticket.secret, earlyText(ticket.relay, ageMs, CLIENT));
    const bytes = earlyBytes({ ticket: ticket.ticket, proof, ageMs, client: CLIENT });
    const token = Buffer.from(bytes.buffer).toString('base64url');
    return Buffer.from(`${request}, ${EARLY_PREFIX}${token}${END_OF_HEADERS}`, 'latin1');
  }

  /** @returns the message that proves who logs in; a peer without a ticket signs. */
  prepare(proof: AnyLoginProof): Uint8Array {
    const { identity, ticket } = this.comer;
    const message = proof !== 'signature' && ticket ? resume.slice() : login.slice();
    if (proof !== 'signature' && ticket) {
      const text = resumeText(this.#relay!, this.#nonce!, CLIENT);
      message.set(ticket.ticket, AT.resumeTicket);
      message.set(hmacSha256(ticket.secret, text), AT.proof);
    } else {
      message.set(identity.publicKey, AT.loginPeer);
      const text = loginText(this.#relay!, this.#nonce!, identity.publicKey, CLIENT);
      message.set(identity.sign(text), AT.signature);
    }
    return message;
  }

  send(message: Uint8Array): void {
    if (this.#ended) return;
    let at = 0;
    try {
      if (this.#descriptor >= 0) at = writeNow(this.#descriptor, message, 0, message.length);
    } catch {
      // The stream will say what is wrong.
    }
    if (at < message.length) this.#socket.write(message.subarray(at));
  }

  /** Ends the connection; the host is not told. */
  leave(): void {
    this.#ended = true;
    this.#socket.destroy();
  }

  #read(length: number): void {
    if (this.#ended) return;
    const read = readBuffer.subarray(0, length);
    const bytes = this.#held ? Buffer.concat([this.#held, read]) : read;
    this.#held = null;
    try {
      const at = this.#take(bytes);
      if (at < bytes.length) this.#held = Buffer.from(bytes.subarray(at));
    } catch (error) {
      this.#end(error instanceof LoadFault ? error : new LoadFault('corrupted', (error as Error).message));
    }
  }

  /** @returns the offset after what was whole. */
  #take(bytes: Buffer): number {
    let at = 0;
    if (!this.#upgraded) {
      const end = bytes.indexOf(END_OF_HEADERS);
      if (end < 0) return 0;
      if (!bytes.toString('latin1', 0, 12).startsWith('HTTP/1.1 101')) {
        throw new LoadFault('broken', 'The relay refused the upgrade.');
      }
      this.#upgraded = true;
      at = end + END_OF_HEADERS.length;
    }
    while (!this.#ended && bytes.length - at >= 4) {
      const short = bytes[at + 1]!;
      if (short === 127)
        throw new LoadFault('corrupted', 'A message of more than 64 KiB came before the login.');
      const start = at + (short < 126 ? 2 : 4);
      const end = start + (short < 126 ? short : bytes.readUInt16BE(at + 2));
      if (end > bytes.length) return at;
      this.#message(bytes[at]!, bytes, start, end);
      at = end;
    }
    return at;
  }

  #message(opcode: number, bytes: Buffer, start: number, end: number): void {
    if (opcode === CLOSE) throw new LoadFault('broken', 'The relay closed the WebSocket.');
    const code = bytes[start + 1];
    if (code === op.OP_HELLO && this.#expected === HELLO && end - start === hello.length) {
      this.#relay = copy(bytes, start + AT.relay, 32);
      this.#nonce = copy(bytes, start + AT.nonce, 32);
      this.#expected = READY;
      this.#host.greeted(this);
    } else if (code === op.OP_READY && this.#mayBeReady() && end - start >= ready.length) {
      const at = start + AT.peer;
      if (bytes.compare(this.comer.identity.publicKey, 0, 32, at, at + 32) !== 0) {
        throw new LoadFault('corrupted', 'The relay logged in another peer.');
      }
      this.comer.ticket = {
        relay: this.#relay ?? this.comer.ticket!.relay,
        gotMs: performance.now(),
        ticket: copy(bytes, start + AT.ticket, TICKET_BYTES),
        secret: copy(bytes, start + AT.secret, 32),
      };
      this.#ended = true;
      this.#host.ended(this, null);
    } else {
      const frame = decodeControl(bytes, start, controlFrameEnd(bytes, start, end));
      if (frame.op !== op.OP_ERROR) throw new LoadFault('corrupted', `Op ${frame.op} came during a login.`);
      this.#end(frame.body);
    }
  }

  #mayBeReady(): boolean {
    return this.#expected === READY || this.#offered;
  }

  #end(error: LoginRefusal | LoadFault): void {
    this.#descriptor = -1;
    if (this.#ended) return;
    this.leave();
    this.#host.ended(this, error);
  }
}

function messageOf(frame: Uint8Array): Uint8Array {
  const message = new Uint8Array(headerBytes(frame.length) + frame.length);
  message.set(frame, writeHeader(message, 0, frame.length, BINARY));
  return message;
}

function placeOf(field: Uint8Array, frame: Uint8Array): number {
  const at = Buffer.from(frame.buffer, frame.byteOffset, frame.length).indexOf(field);
  if (at < 0) throw new RangeError('A field of a login is not in its frame.');
  return at;
}

function copy(bytes: Buffer, at: number, length: number): Uint8Array {
  return new Uint8Array(bytes.subarray(at, at + length));
}
