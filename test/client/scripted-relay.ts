/**
 * A small relay in the test's process: it follows docs/protocol.md closely enough to join clients, and can be told to
 * misbehave. It favours plainness over speed, and keeps what it saw for a test to look at.
 */
import { createHmac, createPublicKey, generateKeyPairSync, randomBytes, verify } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';
import { readBundle } from '../../core/protocol/bundle.ts';
import { type Body, type Control, type ControlOp, encodeControl } from '../../core/protocol/control.ts';
import type { EarlyResume } from '../../core/protocol/early-resume.ts';
import type { CloseReason } from '../../core/protocol/errors.ts';
import { dataFrameBytes, isEndOp } from '../../core/protocol/frame.ts';
import * as limits from '../../core/protocol/limits.ts';
import { earlyText, loginText, resumeText } from '../../core/protocol/login-text.ts';
import { SUBPROTOCOL } from '../../core/protocol/names.ts';
import * as op from '../../core/protocol/ops.ts';
import { peerIdOf } from '../../core/protocol/peer-id.ts';
import { earlyResumeOf } from '../../workers/shard/early-offer.ts';
import { BundleWriter } from '../fixtures/bundle-writer.ts';

export interface ScriptedRelayOptions {
  port?: number;
  /** Answers the nth login (from 0) with an error instead of ready. */
  refuse?: (attempt: number) => Body<typeof op.OP_ERROR> | undefined;
  /** Takes no ticket. */
  refuseTickets?: boolean;
  /** Takes a ticket in the request for the WebSocket; else it does not look at it, as older relays. */
  early?: boolean;
  /** Nothing is sent by itself, not even hello: the test drives the sessions. */
  silent?: boolean;
  limits?: Partial<Body<typeof op.OP_READY>['limits']>;
  /** Takes the control frames that it returns true for; see ScriptedDirectory. */
  directory?: { take(relay: ScriptedRelay, session: ScriptedSession, frame: Control): boolean };
}

/** One end of a channel. */
interface End {
  session: ScriptedSession;
  label: number;
  other: End | undefined;
  kind: Omit<Body<typeof op.OP_OPEN>, 'to'>;
  /** Bytes this end may still send. */
  creditBytes: number;
  requestId: number;
}

export class ScriptedSession {
  readonly socket: WebSocket;
  readonly nonce = new Uint8Array(randomBytes(32));
  readonly ends = new Map<number, End>();
  /** Ops of the control frames that came, in order. */
  readonly ops: number[] = [];
  /** Sizes of the bundles that came. */
  readonly bundles: number[] = [];
  /** What its request offered, as a relay reads it. */
  readonly early: EarlyResume | null;
  peer: Uint8Array | undefined;
  resumed = false;
  nextLabel = 1;
  readonly #out = new BundleWriter();
  #flushDue = false;

  constructor(socket: WebSocket, offered: string) {
    this.socket = socket;
    this.early = earlyResumeOf(offered);
  }

  control<O extends ControlOp>(code: O, requestId: number, body: Body<O>): void {
    const frame = encodeControl(code, requestId, body);
    this.#makeRoom(frame.length);
    this.#out.addControl(frame);
  }

  data(code: number, label: number, payload: Uint8Array): void {
    this.#makeRoom(dataFrameBytes(payload.length));
    this.#out.addData(code, label, payload);
  }

  flush(): void {
    this.#flushDue = false;
    if (this.#out.bytes > 0 && this.socket.readyState === this.socket.OPEN)
      this.socket.send(this.#out.take());
  }

  /** An error frame; if fatal, also the end of the session. */
  error(code: string, fatal: boolean, more: { requestId?: number; retryAfterMs?: number } = {}): void {
    const { requestId = 0, ...rest } = more;
    this.control(op.OP_ERROR, requestId, { code, message: `Scripted: ${code}.`, fatal, ...rest });
    if (!fatal) return;
    this.flush();
    this.socket.close();
  }

  #makeRoom(bytes: number): void {
    if (!this.#out.fits(bytes)) this.flush();
    if (this.#flushDue) return;
    this.#flushDue = true;
    setImmediate(() => this.flush());
  }
}

export class ScriptedRelay {
  readonly sessions = new Set<ScriptedSession>();
  readonly options: ScriptedRelayOptions;
  /** Every session there was, in order. */
  readonly history: ScriptedSession[] = [];
  logins = 0;
  readonly #keys = generateKeyPairSync('ed25519');
  readonly publicKey = rawKey(this.#keys.publicKey.export({ format: 'der', type: 'spki' }));
  readonly #tickets = new Map<string, { secret: Uint8Array; peer: Uint8Array }>();
  readonly #server: Server;
  readonly #sockets: WebSocketServer;
  readonly #watchers = new Set<() => void>();

  private constructor(options: ScriptedRelayOptions) {
    this.options = options;
    this.#server = createServer();
    this.#sockets = new WebSocketServer({
      server: this.#server,
      perMessageDeflate: false,
      maxPayload: limits.MAX_BUNDLE_BYTES,
      handleProtocols: () => SUBPROTOCOL,
    });
    this.#sockets.on('connection', (socket, { headers }) =>
      this.#accept(socket, headers['sec-websocket-protocol'] ?? ''),
    );
  }

  static async start(options: ScriptedRelayOptions = {}): Promise<ScriptedRelay> {
    const relay = new ScriptedRelay(options);
    relay.#server.listen(options.port ?? 0, '127.0.0.1');
    await once(relay.#server, 'listening');
    return relay;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `ws://127.0.0.1:${this.port}/`;
  }

  /** Resolves once `met` holds; looks whenever anything happened. */
  async until(met: () => boolean): Promise<void> {
    while (!met()) {
      await new Promise<void>((resolve) => {
        const look = (): void => {
          this.#watchers.delete(look);
          resolve();
        };
        this.#watchers.add(look);
      });
    }
  }

  sessionOf(id: string): ScriptedSession {
    for (const session of this.sessions) {
      if (session.peer !== undefined && peerIdOf(session.peer) === id) return session;
    }
    throw new Error(`${id} is not logged in`);
  }

  /** Cuts every connection without a word. */
  cutAll(): void {
    for (const session of this.sessions) session.socket.terminate();
  }

  async close(): Promise<void> {
    this.cutAll();
    this.#sockets.close();
    this.#server.close();
    if (this.#server.listening) await once(this.#server, 'close');
  }

  // --- Sessions -----------------------------------------------------------------------------------------------------

  #accept(socket: WebSocket, offered: string): void {
    const session = new ScriptedSession(socket, offered);
    this.sessions.add(session);
    this.history.push(session);
    socket.on('error', () => {});
    socket.on('close', () => {
      this.#leave(session, 'peer-gone');
      this.#changed();
    });
    socket.on('message', (message: Buffer) => {
      session.bundles.push(message.length);
      readBundle(new Uint8Array(message.buffer, message.byteOffset, message.length), {
        data: (code, label, payload, bytes) => this.#data(session, code, label, payload, bytes),
        control: (frame) => {
          session.ops.push(frame.op);
          if (!this.options.silent) this.#control(session, frame);
        },
      });
      this.#changed();
    });
    if (!this.options.silent && !this.#resumeEarly(session)) this.hello(session);
    this.#changed();
  }

  hello(session: ScriptedSession): void {
    session.control(op.OP_HELLO, 0, { relay: this.publicKey, nonce: session.nonce, loginTimeoutMs: 10_000 });
  }

  ready(session: ScriptedSession, peer: Uint8Array, resumed = false): void {
    const ticket = new Uint8Array(randomBytes(53));
    const secret = new Uint8Array(randomBytes(32));
    this.#tickets.set(Buffer.from(ticket).toString('hex'), { secret, peer });
    for (const old of this.sessions) {
      if (old !== session && old.peer !== undefined && Buffer.from(old.peer).equals(peer)) {
        this.#leave(old, 'replaced');
        old.error('replaced', true);
      }
    }
    session.peer = peer;
    session.resumed = resumed;
    session.control(op.OP_READY, 0, {
      peer,
      resumed,
      ticket,
      secret,
      ticketLifeMs: limits.TICKET_LIFETIME_MS,
      limits: { ...limits.ANNOUNCED_LIMITS, ...this.options.limits },
    });
  }

  #leave(session: ScriptedSession, reason: CloseReason): void {
    this.sessions.delete(session);
    for (const end of session.ends.values()) this.#closeOther(end, reason);
    session.ends.clear();
  }

  #changed(): void {
    for (const look of [...this.#watchers]) look();
  }

  // --- Frames -------------------------------------------------------------------------------------------------------

  #control(session: ScriptedSession, frame: Control): void {
    switch (frame.op) {
      case op.OP_LOGIN:
        this.#login(session, frame.body);
        break;
      case op.OP_RESUME:
        this.#resume(session, frame.body);
        break;
      case op.OP_PING:
        session.control(op.OP_PONG, frame.requestId, {});
        break;
      case op.OP_OPEN:
        this.#open(session, frame.requestId, frame.body);
        break;
      case op.OP_ACCEPT:
        this.#accepted(session, frame.body);
        break;
      case op.OP_REJECT:
        this.#rejected(session, frame.body.label);
        break;
      case op.OP_CREDIT:
        this.#credit(session, frame.body);
        break;
      case op.OP_CLOSE:
        this.#close(session, frame.body.label);
        break;
      default:
        if (!this.options.directory?.take(this, session, frame)) session.error('bad-control', true);
    }
  }

  #refused(session: ScriptedSession): boolean {
    const error = this.options.refuse?.(this.logins++);
    if (error === undefined) return false;
    session.control(op.OP_ERROR, 0, error);
    session.flush();
    if (error.fatal) session.socket.close();
    return true;
  }

  #login(session: ScriptedSession, { peer, signature, client }: Body<typeof op.OP_LOGIN>): void {
    if (this.#refused(session)) return;
    const key = createPublicKey({
      key: { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(peer).toString('base64url') },
      format: 'jwk',
    });
    const text = loginText(this.publicKey, session.nonce, peer, client);
    if (verify(null, text, key, signature)) this.ready(session, peer);
    else session.error('bad-proof', true);
  }

  #resume(session: ScriptedSession, { ticket, proof, client }: Body<typeof op.OP_RESUME>): void {
    const known = this.#tickets.get(Buffer.from(ticket).toString('hex'));
    if (known === undefined || this.options.refuseTickets) {
      session.error('bad-ticket', false);
      return;
    }
    if (this.#refused(session)) return;
    const text = resumeText(this.publicKey, session.nonce, client);
    const right = createHmac('sha256', known.secret).update(text).digest().equals(proof);
    if (right) this.ready(session, known.peer, true);
    else session.error('bad-proof', true);
  }

  /** @returns whether the session is ready. */
  #resumeEarly(session: ScriptedSession): boolean {
    if (!this.options.early || session.early === null) return false;
    const { ticket, proof, ageMs, client } = session.early;
    const known = this.#tickets.get(Buffer.from(ticket).toString('hex'));
    if (known === undefined || this.options.refuseTickets) return false;
    const text = earlyText(this.publicKey, ageMs, client);
    if (!createHmac('sha256', known.secret).update(text).digest().equals(proof)) return false;
    this.ready(session, known.peer, true);
    return true;
  }

  #open(session: ScriptedSession, requestId: number, { to, ...kind }: Body<typeof op.OP_OPEN>): void {
    const callee = [...this.sessions].find(({ peer }) => peer !== undefined && Buffer.from(peer).equals(to));
    if (callee === undefined) {
      session.control(op.OP_CLOSED, requestId, { label: 0, reason: 'not-found' });
      return;
    }
    const near: End = this.#newEnd(session, kind, requestId);
    const far: End = this.#newEnd(callee, kind, 0);
    near.other = far;
    far.other = near;
    far.creditBytes = kind.credit;
    callee.control(op.OP_OFFER, 0, { label: far.label, from: session.peer!, ...kind });
  }

  #newEnd(session: ScriptedSession, kind: End['kind'], requestId: number): End {
    const end = { session, label: session.nextLabel++, other: undefined, kind, creditBytes: 0, requestId };
    session.ends.set(end.label, end);
    return end;
  }

  #accepted(session: ScriptedSession, { label, credit }: Body<typeof op.OP_ACCEPT>): void {
    const near = session.ends.get(label)?.other;
    if (near === undefined) return;
    near.creditBytes = credit;
    near.session.control(op.OP_OPENED, near.requestId, { label: near.label, credit });
    near.requestId = 0;
  }

  #rejected(session: ScriptedSession, label: number): void {
    const far = session.ends.get(label);
    if (far === undefined) return;
    this.#closeOther(far, 'rejected');
    session.ends.delete(label);
  }

  #credit(session: ScriptedSession, { label, bytes }: Body<typeof op.OP_CREDIT>): void {
    const other = session.ends.get(label)?.other;
    if (other === undefined) return;
    other.creditBytes += bytes;
    other.session.control(op.OP_CREDIT, 0, { label: other.label, bytes });
  }

  #close(session: ScriptedSession, label: number): void {
    const end = session.ends.get(label);
    if (end === undefined) return;
    this.#closeEnd(end, 'closed');
  }

  #closeEnd(end: End, reason: CloseReason): void {
    end.session.ends.delete(end.label);
    end.session.control(op.OP_CLOSED, 0, { label: end.label, reason });
    this.#closeOther(end, reason);
  }

  #closeOther({ other }: End, reason: CloseReason): void {
    if (other === undefined || !other.session.ends.delete(other.label)) return;
    const label = other.requestId === 0 ? other.label : 0;
    other.session.control(op.OP_CLOSED, other.requestId, { label, reason });
  }

  #data(session: ScriptedSession, code: number, label: number, payload: Uint8Array, bytes: number): void {
    const end = session.ends.get(label);
    if (end?.other === undefined) return;
    if ((code & 0x07) !== end.kind.priority || (isEndOp(code) && payload.length > 0)) {
      session.error('bad-frame', true);
      return;
    }
    if (end.kind.reliable) {
      end.creditBytes -= bytes;
      if (end.creditBytes < 0) {
        this.#closeEnd(end, 'overrun');
        return;
      }
    }
    end.other.session.data(code, end.other.label, payload);
  }
}

function rawKey(spki: Buffer): Uint8Array {
  return new Uint8Array(spki.subarray(spki.length - 32));
}
