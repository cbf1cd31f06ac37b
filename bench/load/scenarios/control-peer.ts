/**
 * A peer of a scenario: the whole protocol but end of stream over a RawSocket, cheap enough that ten thousand fit into
 * a process. Control frames go through core's codec; data frames are read where they lie.
 */
import { createHmac } from 'node:crypto';
import type { Identity } from '../../../core/identity/identity.ts';
import { dataFrameError } from '../../../core/protocol/bundle.ts';
import {
  type Body,
  type Control,
  controlFrameEnd,
  decodeControl,
  encodeControl,
} from '../../../core/protocol/control.ts';
import { ARRAY_OF_3, dataFrameEnd, isDataOp, payloadStart, readLabel } from '../../../core/protocol/frame.ts';
import { MAX_BUNDLE_BYTES } from '../../../core/protocol/limits.ts';
import { loginText, resumeText } from '../../../core/protocol/login-text.ts';
import * as op from '../../../core/protocol/ops.ts';
import { LoadFault } from '../fault.ts';
import { RawSocket } from '../raw-socket.ts';
import { ChannelEnd, type ChannelKind, type ChannelReader, WINDOW_BYTES } from './channel-end.ts';
import { faultOf, within } from './deadline.ts';
import type { PingFrame } from './ping-frame.ts';
import { ChannelRefusal, RelayRefusal } from './refusal.ts';

/** An offer may wait for 30 s, but ours are answered at once. */
const ANSWER_DEADLINE_MS = 15_000;

/** One for all: a storm has thousands leave a second, and an error's stack costs as much as the leaving. */
const LEFT = new LoadFault('broken', 'The peer has left.');

export type Offer = Body<typeof op.OP_OFFER>;

/** What a login was given, for the next one. */
export interface Ticket {
  ticket: Uint8Array;
  secret: Uint8Array;
}

export interface PeerHost {
  /** Answer it with `accept`. */
  offered(peer: ControlPeer, offer: Offer): void;
  /**
   * The connection of a logged-in peer ended by itself, or something wrong came on it.
   * @param refusal what the relay ended it with, if it said.
   */
  broke(fault: LoadFault, refusal: RelayRefusal | null): void;
}

export interface PeerSettings {
  /** The text of its version. Default: that of the benchmark. */
  client?: string;
  /** From the connection to the login. Default 20 s: a relay gives up after 10 s, and says so. */
  loginDeadlineMs?: number;
  /** Called when the relay has said hello and the proof goes out. */
  proving?: () => void;
}

const DEFAULTS: Required<PeerSettings> = {
  client: 'supernode-bench/1',
  loginDeadlineMs: 20_000,
  proving: () => {},
};

interface Request {
  /** For `open`. */
  kind: ChannelKind;
  reader: ChannelReader;
  resolve(end: ChannelEnd): void;
  reject(error: Error): void;
}

/** A request of the directory: what its answer is made of is the caller's business. */
interface Question {
  op: typeof op.OP_FOUND | typeof op.OP_PRESENCE;
  resolve(): void;
  reject(error: Error): void;
}

export class ControlPeer {
  readonly identity: Identity;
  readonly #host: PeerHost;
  readonly #channels = new Map<number, ChannelEnd>();
  readonly #requests = new Map<number, Request>();
  readonly #stores = new Map<number, { resolve(): void; reject(error: Error): void }>();
  readonly #settings: Required<PeerSettings>;
  readonly #questions = new Map<number, Question>();
  #socket: RawSocket | null = null;
  #hello: Body<typeof op.OP_HELLO> | null = null;
  #login: { resolve(): void; reject(error: Error): void } | null = null;
  #ticket: Ticket | null;
  #nextRequestId = 1;
  /** Parts of a message whose end has not come. */
  #held: Buffer[] = [];
  #heldBytes = 0;
  #ended = false;
  /** Whether the ticket was sent and not taken. */
  ticketRefused = false;
  resumed = false;
  /** Called with the requestId of every pong. */
  onpong: (requestId: number) => void = () => {};
  /** Called with the key of every watched peer whose state has changed. */
  onpresence: (peer: Uint8Array) => void = () => {};
  onmoving: (moving: Body<typeof op.OP_MOVING>) => void = () => {};
  /** Called in place of the host's `broke` when it is there: the connection of a logged-in peer ended. */
  onended: (() => void) | null = null;

  private constructor(identity: Identity, ticket: Ticket | null, host: PeerHost, settings: PeerSettings) {
    this.identity = identity;
    this.#settings = { ...DEFAULTS, ...settings };
    this.#ticket = ticket;
    this.#host = host;
  }

  /**
   * Connects and logs in: by the ticket when there is one, else by a signature.
   * @throws RelayRefusal when the relay says no; LoadFault `broken` when the connection ends or nothing comes.
   */
  static async login(
    address: string,
    identity: Identity,
    ticket: Ticket | null,
    host: PeerHost,
    settings: PeerSettings = {},
  ): Promise<ControlPeer> {
    const peer = new ControlPeer(identity, ticket, host, settings);
    const { loginDeadlineMs } = peer.#settings;
    try {
      await within(loginDeadlineMs, 'broken', `The login at ${address}`, peer.#logIn(address));
    } catch (error) {
      peer.leave();
      throw error;
    }
    return peer;
  }

  /** Of the last login. */
  get ticket(): Ticket | null {
    return this.#ticket;
  }

  get socket(): RawSocket {
    return this.#socket!;
  }

  get hasLeft(): boolean {
    return this.#ended;
  }

  /** Ends the connection; the host is not told. Requests that wait are refused. */
  leave(): void {
    this.#end(LEFT);
  }

  sendPing(frame: PingFrame, requestId: number): void {
    this.#socket!.write(frame.message(requestId));
  }

  /**
   * Opens a channel.
   * @throws ChannelRefusal with the relay's reason; RelayRefusal `too-many-channels`.
   */
  open(to: Uint8Array, kind: ChannelKind, reader: ChannelReader): Promise<ChannelEnd> {
    const requestId = this.#nextRequestId++;
    const answer = new Promise<ChannelEnd>((resolve, reject) => {
      this.#requests.set(requestId, { kind, reader, resolve, reject });
    });
    const credit = kind.reliable ? WINDOW_BYTES : 0;
    this.#send(encodeControl(op.OP_OPEN, requestId, { to, ...kind, credit }));
    return within(ANSWER_DEADLINE_MS, 'broken', `The answer to open ${kind.protocol}`, answer);
  }

  /** Looks up a peer by key. @throws RelayRefusal `not-found`. */
  lookUp(peer: Uint8Array): Promise<void> {
    return this.#question(op.OP_FOUND, (id) => encodeControl(op.OP_LOOKUP, id, { peer }));
  }

  /** Watches peers from now on, at most MAX_KEYS_PER_FRAME: their states now are the answer. */
  watch(peers: Uint8Array[]): Promise<void> {
    return this.#question(op.OP_PRESENCE, (id) => encodeControl(op.OP_WATCH, id, { peers }));
  }

  sayAway(away: boolean): void {
    this.#send(encodeControl(op.OP_STATUS, 0, { away }));
  }

  #question(answer: Question['op'], frame: (requestId: number) => Uint8Array): Promise<void> {
    const requestId = this.#nextRequestId++;
    const answered = new Promise<void>((resolve, reject) => {
      this.#questions.set(requestId, { op: answer, resolve, reject });
    });
    this.#send(frame(requestId));
    return within(ANSWER_DEADLINE_MS, 'broken', 'An answer of the directory', answered);
  }

  accept(offer: Offer, reader: ChannelReader): ChannelEnd {
    const end = new ChannelEnd(offer.label, offer, offer.credit, reader);
    this.#channels.set(offer.label, end);
    const credit = offer.reliable ? WINDOW_BYTES : 0;
    this.#send(encodeControl(op.OP_ACCEPT, 0, { label: offer.label, credit }));
    return end;
  }

  close(end: ChannelEnd): void {
    this.#send(encodeControl(op.OP_CLOSE, 0, { label: end.label }));
  }

  /**
   * Has the relay's directory write a row of this peer (its policy, as it was), and resolves when that is stored.
   * @throws RelayRefusal when the relay does not; LoadFault `broken` when the connection ends.
   */
  store(): Promise<void> {
    const requestId = this.#nextRequestId++;
    const answer = new Promise<void>((resolve, reject) => {
      this.#stores.set(requestId, { resolve, reject });
    });
    this.#send(encodeControl(op.OP_POLICY_SET, requestId, { visibility: 'everyone' }));
    return answer;
  }

  #send(frame: Uint8Array): void {
    if (!this.#ended) this.#socket!.send(frame);
  }

  #logIn(address: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#login = { resolve, reject };
      RawSocket.connect(address, {
        part: (bytes, from, to, last) => this.#part(bytes, from, to, last),
        readEnded: () => {},
        closed: (error) => this.#fail(error),
      }).then(
        (socket) => {
          this.#socket = socket;
          if (this.#ended) socket.destroy();
          else if (this.#hello) this.#prove(this.#hello);
        },
        (error) => this.#fail(error),
      );
    });
  }

  #part(bytes: Buffer, from: number, to: number, last: boolean): void {
    if (this.#ended) return;
    try {
      if (last && this.#heldBytes === 0) {
        this.#read(bytes, from, to);
        return;
      }
      this.#heldBytes += to - from;
      if (this.#heldBytes > MAX_BUNDLE_BYTES) {
        throw new LoadFault('corrupted', `The relay sent a message of more than ${MAX_BUNDLE_BYTES} bytes.`);
      }
      this.#held.push(Buffer.from(bytes.subarray(from, to)));
      if (!last) return;
      const message = Buffer.concat(this.#held);
      this.#held = [];
      this.#heldBytes = 0;
      this.#read(message, 0, message.length);
    } catch (error) {
      this.#fail(error as Error);
    }
  }

  #read(bytes: Buffer, from: number, to: number): void {
    let at = from;
    while (at < to && !this.#ended) {
      if (bytes[at] === ARRAY_OF_3 && at + 1 < to && isDataOp(bytes[at + 1]!)) {
        const after = dataFrameEnd(bytes, at, to);
        if (after < 0) throw dataFrameError(after);
        this.#data(bytes, at, after);
        at = after;
      } else {
        const after = controlFrameEnd(bytes, at, to);
        this.#control(decodeControl(bytes, at, after));
        at = after;
      }
    }
  }

  #data(bytes: Buffer, at: number, after: number): void {
    const end = this.#channels.get(readLabel(bytes, at));
    if (end === undefined) {
      throw new LoadFault(
        'corrupted',
        `A frame came under label ${readLabel(bytes, at)}, which is no channel.`,
      );
    }
    if (bytes[at + 1] !== end.op) {
      throw new LoadFault(
        'corrupted',
        `A frame with op 0x${bytes[at + 1]!.toString(16)} came on a channel of 0x${end.op.toString(16)}.`,
      );
    }
    end.reader.data(bytes, payloadStart(bytes, at), after);
    const owed = end.owe(after - at);
    if (owed > 0) this.#send(encodeControl(op.OP_CREDIT, 0, { label: end.label, bytes: owed }));
  }

  #control(frame: Control): void {
    switch (frame.op) {
      case op.OP_HELLO:
        this.#hello = frame.body;
        if (this.#socket) this.#prove(frame.body);
        return;
      case op.OP_READY:
        this.#ready(frame.body);
        return;
      case op.OP_ERROR:
        this.#refused(frame.requestId, frame.body);
        return;
      case op.OP_PING:
        this.#send(encodeControl(op.OP_PONG, frame.requestId, {}));
        return;
      case op.OP_PONG:
        this.onpong(frame.requestId);
        return;
      case op.OP_MOVING:
        this.onmoving(frame.body);
        return;
      case op.OP_STORED:
        this.#stores.get(frame.requestId)?.resolve();
        this.#stores.delete(frame.requestId);
        return;
      case op.OP_OFFER:
        this.#host.offered(this, frame.body);
        return;
      case op.OP_OPENED:
        this.#opened(frame.requestId, frame.body);
        return;
      case op.OP_CREDIT:
        this.#channels.get(frame.body.label)?.grant(frame.body.bytes);
        return;
      case op.OP_PRESENCE:
        if (frame.requestId === 0) for (const { peer } of frame.body.states) this.onpresence(peer);
        else this.#answered(frame.requestId, frame.op);
        return;
      case op.OP_FOUND:
        this.#answered(frame.requestId, frame.op);
        return;
      case op.OP_CLOSED:
        this.#closed(frame.requestId, frame.body);
        return;
      case op.OP_CONGESTION:
        // What is lost is found by the count of packets.
        return;
      default:
        throw new LoadFault(
          'corrupted',
          `The relay sent op 0x${frame.op.toString(16)}, which only a client sends.`,
        );
    }
  }

  #prove(hello: Body<typeof op.OP_HELLO>): void {
    const { client, proving } = this.#settings;
    proving();
    const ticket = this.ticketRefused ? null : this.#ticket;
    if (ticket) {
      const text = resumeText(hello.relay, hello.nonce, client);
      const proof = new Uint8Array(createHmac('sha256', ticket.secret).update(text).digest());
      this.#send(encodeControl(op.OP_RESUME, 0, { ticket: ticket.ticket, proof, client }));
    } else {
      const peer = this.identity.publicKey;
      const signature = this.identity.sign(loginText(hello.relay, hello.nonce, peer, client));
      this.#send(encodeControl(op.OP_LOGIN, 0, { peer, signature, client }));
    }
  }

  #ready({ peer, resumed, ticket, secret }: Body<typeof op.OP_READY>): void {
    if (this.#login === null) throw new LoadFault('corrupted', 'The relay said ready twice.');
    if (Buffer.compare(peer, this.identity.publicKey) !== 0) {
      throw new LoadFault('corrupted', 'The relay logged in another peer.');
    }
    this.resumed = resumed;
    this.#ticket = { ticket, secret };
    this.#login.resolve();
    this.#login = null;
  }

  #refused(requestId: number, body: Body<typeof op.OP_ERROR>): void {
    if (!body.fatal && body.code === 'bad-ticket' && this.#login && this.#hello) {
      this.ticketRefused = true;
      this.#prove(this.#hello);
      return;
    }
    const refusal = new RelayRefusal(body);
    if (body.fatal) {
      this.#fail(refusal);
      return;
    }
    const request =
      this.#requests.get(requestId) ?? this.#stores.get(requestId) ?? this.#questions.get(requestId);
    if (!request) throw new LoadFault('broken', `The relay reports ${body.code}: ${body.message}`);
    this.#requests.delete(requestId);
    this.#stores.delete(requestId);
    this.#questions.delete(requestId);
    request.reject(refusal);
  }

  #answered(requestId: number, code: Question['op']): void {
    const question = this.#questions.get(requestId);
    if (question?.op !== code) {
      throw new LoadFault('corrupted', `Op ${code} came for request ${requestId}, which nobody made.`);
    }
    this.#questions.delete(requestId);
    question.resolve();
  }

  #opened(requestId: number, { label, credit }: Body<typeof op.OP_OPENED>): void {
    const request = this.#requests.get(requestId);
    if (!request)
      throw new LoadFault('corrupted', `opened came for request ${requestId}, which nobody made.`);
    this.#requests.delete(requestId);
    // Before the promise's turn: data may follow in the same message.
    const end = new ChannelEnd(label, request.kind, credit, request.reader);
    this.#channels.set(label, end);
    request.resolve(end);
  }

  #closed(requestId: number, { label, reason }: Body<typeof op.OP_CLOSED>): void {
    const end = this.#channels.get(label);
    if (end) {
      this.#channels.delete(label);
      end.reader.closed(reason);
      return;
    }
    const request = this.#requests.get(requestId);
    if (label !== 0 || !request) return;
    this.#requests.delete(requestId);
    request.reject(new ChannelRefusal(reason));
  }

  #fail(error: Error): void {
    if (this.#ended) return;
    const loggedIn = this.#login === null;
    this.#end(error instanceof RelayRefusal ? error : faultOf(error));
    if (!loggedIn) return;
    if (this.onended !== null) this.onended();
    else this.#host.broke(faultOf(error), error instanceof RelayRefusal ? error : null);
  }

  #end(error: Error): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#socket?.destroy();
    this.#login?.reject(error);
    for (const request of [...this.#requests.values(), ...this.#stores.values()]) request.reject(error);
    this.#requests.clear();
    this.#stores.clear();
    for (const question of this.#questions.values()) question.reject(error);
    this.#questions.clear();
    this.#channels.clear();
  }
}
