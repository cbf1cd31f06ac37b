/**
 * The two frames that the relay sends in every login, `hello` and `ready`, written once and then filled in: encoding
 * them anew took 5 us of the 20 us that a login's JavaScript takes on the shard.
 */
import { TICKET_BYTES } from '../../core/identity/ticket.ts';
import { type Body, encodeControl } from '../../core/protocol/control.ts';
import { ANNOUNCED_LIMITS, TICKET_LIFETIME_MS } from '../../core/protocol/limits.ts';
import * as op from '../../core/protocol/ops.ts';
import { KEY_BYTES } from '../../core/protocol/peer-id.ts';

export const NONCE_BYTES = 32;
const SECRET_BYTES = 32;

type Given = Pick<Body<typeof op.OP_READY>, 'peer' | 'ticket' | 'secret'>;

export class LoginFrames {
  readonly #hello: Uint8Array;
  readonly #nonceAt: number;
  readonly #ready: { first: ReadyFrame; resumed: ReadyFrame };

  constructor(relay: Uint8Array, loginTimeoutMs: number) {
    // Bytes that nothing else in the frame has.
    const nonce = new Uint8Array(NONCE_BYTES).fill(0xf1);
    this.#hello = encodeControl(op.OP_HELLO, 0, { relay, nonce, loginTimeoutMs });
    this.#nonceAt = placeOf(nonce, this.#hello);
    this.#ready = { first: new ReadyFrame(false), resumed: new ReadyFrame(true) };
  }

  /** Good until the next one is asked for. */
  hello(nonce: Uint8Array): Uint8Array {
    this.#hello.set(nonce, this.#nonceAt);
    return this.#hello;
  }

  /** Good until the next one is asked for. */
  ready(resumed: boolean, given: Given): Uint8Array {
    return (resumed ? this.#ready.resumed : this.#ready.first).fill(given);
  }
}

class ReadyFrame {
  readonly #frame: Uint8Array;
  readonly #peerAt: number;
  readonly #ticketAt: number;
  readonly #secretAt: number;

  constructor(resumed: boolean) {
    const peer = new Uint8Array(KEY_BYTES).fill(0xf1);
    const ticket = new Uint8Array(TICKET_BYTES).fill(0xf2);
    const secret = new Uint8Array(SECRET_BYTES).fill(0xf3);
    this.#frame = encodeControl(op.OP_READY, 0, {
      peer,
      resumed,
      ticket,
      secret,
      ticketLifeMs: TICKET_LIFETIME_MS,
      limits: ANNOUNCED_LIMITS,
    });
    this.#peerAt = placeOf(peer, this.#frame);
    this.#ticketAt = placeOf(ticket, this.#frame);
    this.#secretAt = placeOf(secret, this.#frame);
  }

  fill({ peer, ticket, secret }: Given): Uint8Array {
    const frame = this.#frame;
    frame.set(peer, this.#peerAt);
    frame.set(ticket, this.#ticketAt);
    frame.set(secret, this.#secretAt);
    return frame;
  }
}

function placeOf(value: Uint8Array, frame: Uint8Array): number {
  const at = Buffer.from(frame.buffer, frame.byteOffset, frame.length).indexOf(value);
  if (at < 0) throw new RangeError('A field of a login frame is not in it.');
  return at;
}
