/**
 * Logging in (docs/protocol.md §5): what a client answers to each frame until the relay says `ready`. No I/O.
 *
 *   (resume in the request for the WebSocket, with a ticket that was given at this URL) --> ready
 *                          '--> as if there had been none
 *   hello --> resume (with a ticket of this relay) --> ready
 *                          '--> error bad-ticket --> login, same nonce --> ready
 *         '-> login --> ready
 */
import type { Identity } from '../identity/identity.ts';
import { type Body, type Control, encodeControl } from '../protocol/control.ts';
import { offerOf } from '../protocol/early-resume.ts';
import { ProtocolError } from '../protocol/errors.ts';
import { earlyText, loginText, resumeText } from '../protocol/login-text.ts';
import { SUBPROTOCOL } from '../protocol/names.ts';
import * as op from '../protocol/ops.ts';
import { type RelayError, relayErrorOf } from './relay-error.ts';

/** What comes back by itself: one HMAC instead of a signature. */
export interface Ticket {
  /** The relay that sealed it. */
  relayKey: Uint8Array;
  ticket: Uint8Array;
  secret: Uint8Array;
  /** When it came, performance.now(). */
  gotMs: number;
}

export interface Ready {
  relayKey: Uint8Array;
  resumed: boolean;
  ticket: Ticket;
  limits: Body<typeof op.OP_READY>['limits'];
}

export type LoginStep =
  | { do: 'send'; frame: Uint8Array }
  | { do: 'ready'; ready: Ready }
  | { do: 'fail'; error: RelayError }
  | { do: 'wait' };

export interface LoginOptions {
  identity: Identity;
  client: string;
  ticket: Ticket | undefined;
  /** Whether the ticket may be shown before the relay has said which one it is: where it was given. */
  early: boolean;
  hmacSha256(key: Uint8Array, text: Uint8Array): Uint8Array;
}

export class Login {
  readonly #options: LoginOptions;
  #hello: Body<typeof op.OP_HELLO> | undefined;
  #resuming = false;
  #offered = false;

  constructor(options: LoginOptions) {
    this.#options = options;
  }

  /** The subprotocols to ask for. @param now performance.now(). */
  offer(now: number): string[] {
    const { ticket, early, client, hmacSha256 } = this.#options;
    if (ticket === undefined || !early) return [SUBPROTOCOL];
    this.#offered = true;
    const ageMs = Math.max(0, Math.floor(now - ticket.gotMs));
    const proof = hmacSha256(ticket.secret, earlyText(ticket.relayKey, ageMs, client));
    return offerOf({ ticket: ticket.ticket, proof, ageMs, client });
  }

  /** @throws ProtocolError when the frame has no place in a login. */
  step(frame: Control): LoginStep {
    if (frame.op === op.OP_ERROR) return this.#error(frame.body);
    if (this.#hello === undefined) {
      if (frame.op === op.OP_READY && this.#offered) {
        return this.#ready(frame.body, this.#options.ticket!.relayKey);
      }
      if (frame.op !== op.OP_HELLO) throw outOfPlace(frame.op, 'before hello');
      this.#hello = frame.body;
      return { do: 'send', frame: this.#firstProof(frame.body) };
    }
    if (frame.op !== op.OP_READY) throw outOfPlace(frame.op, 'before ready');
    return this.#ready(frame.body, this.#hello.relay);
  }

  #firstProof(hello: Body<typeof op.OP_HELLO>): Uint8Array {
    const { ticket, client, hmacSha256 } = this.#options;
    // Another relay at the same address could not open the ticket: it would cost a round trip to be told so.
    if (ticket === undefined || !equal(ticket.relayKey, hello.relay)) return this.#login(hello);
    this.#resuming = true;
    const proof = hmacSha256(ticket.secret, resumeText(hello.relay, hello.nonce, client));
    return encodeControl(op.OP_RESUME, 0, { ticket: ticket.ticket, proof, client });
  }

  #login(hello: Body<typeof op.OP_HELLO>): Uint8Array {
    const { identity, client } = this.#options;
    const peer = identity.publicKey;
    // A buffer of its own: an application's `sign` may hand `text.buffer` to an agent.
    const signature = identity.sign(new Uint8Array(loginText(hello.relay, hello.nonce, peer, client)));
    return encodeControl(op.OP_LOGIN, 0, { peer, signature, client });
  }

  #error(body: Body<typeof op.OP_ERROR>): LoginStep {
    if (body.code === 'bad-ticket' && this.#resuming && this.#hello !== undefined) {
      this.#resuming = false;
      return { do: 'send', frame: this.#login(this.#hello) };
    }
    return body.fatal ? { do: 'fail', error: relayErrorOf(body) } : { do: 'wait' };
  }

  #ready(body: Body<typeof op.OP_READY>, relayKey: Uint8Array): LoginStep {
    if (!equal(body.peer, this.#options.identity.publicKey)) {
      throw new ProtocolError('bad-control', 'The relay logged in another peer.');
    }
    const { resumed, ticket, secret, limits } = body;
    const gotMs = performance.now();
    return { do: 'ready', ready: { relayKey, resumed, ticket: { relayKey, ticket, secret, gotMs }, limits } };
  }
}

function outOfPlace(code: number, when: string): ProtocolError {
  return new ProtocolError('bad-control', `Op 0x${code.toString(16)} came ${when}.`);
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
