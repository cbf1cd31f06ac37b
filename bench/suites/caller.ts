/** A logged-in peer that sends ready-made bundles and gets bundles as they come. */
import { WebSocket } from 'ws';
import { generateIdentity } from '../../core/identity/identity.ts';
import { type Control, controlFrameEnd, decodeControl, encodeControl } from '../../core/protocol/control.ts';
import { loginText } from '../../core/protocol/login-text.ts';
import { SUBPROTOCOL } from '../../core/protocol/names.ts';
import { OP_HELLO, OP_LOGIN, OP_PING, OP_PONG, OP_READY } from '../../core/protocol/ops.ts';

const CLIENT = 'supernode-bench/1';
const LOGIN_DEADLINE_MS = 10_000;

export class Caller {
  readonly #identity = generateIdentity();
  readonly #socket: WebSocket;
  /** Gets every message after the login; a throw counts as a failure. */
  onbundle: (bytes: Uint8Array) => void = () => {};
  /** The end of the connection, or what `onbundle` threw. */
  onfailure: (error: Error) => void = () => {};

  private constructor(url: string) {
    this.#socket = new WebSocket(url, SUBPROTOCOL, { perMessageDeflate: false });
    this.#socket.on('error', (error) => this.onfailure(error));
    this.#socket.on('close', () => this.onfailure(new Error(`${url} closed the connection.`)));
    this.#socket.on('message', (message: Buffer) => this.#read(message));
  }

  /** @throws Error when the login is not done in time. */
  static async connect(url: string): Promise<Caller> {
    const caller = new Caller(url);
    let timer: NodeJS.Timeout | undefined;
    try {
      await new Promise<void>((resolve, reject) => {
        timer = setTimeout(() => reject(new Error(`${url} has not let a peer in.`)), LOGIN_DEADLINE_MS);
        caller.onfailure = reject;
        caller.onbundle = (bytes) => caller.#login(bytes, resolve);
      });
    } catch (error) {
      caller.end();
      throw error;
    } finally {
      clearTimeout(timer);
    }
    return caller;
  }

  get publicKey(): Uint8Array {
    return this.#identity.publicKey;
  }

  send(bundle: Uint8Array): void {
    this.#socket.send(bundle);
  }

  end(): void {
    this.onfailure = () => {};
    this.#socket.terminate();
  }

  #read(message: Buffer): void {
    try {
      if (message[1] === OP_PING) this.#answerPing(message);
      else this.onbundle(message);
    } catch (error) {
      this.onfailure(error as Error);
    }
  }

  /** A relay asks after silence only, so a ping comes alone. */
  #answerPing(message: Uint8Array): void {
    this.send(encodeControl(OP_PONG, decodeOne(message).requestId, {}));
  }

  #login(bytes: Uint8Array, done: () => void): void {
    const frame = decodeOne(bytes);
    if (frame.op === OP_HELLO) {
      const { relay, nonce } = frame.body;
      const signature = this.#identity.sign(loginText(relay, nonce, this.publicKey, CLIENT));
      this.send(encodeControl(OP_LOGIN, 1, { peer: this.publicKey, signature, client: CLIENT }));
    } else if (frame.op === OP_READY) {
      done();
    } else {
      throw new Error(`A relay answers a login with op ${frame.op}: ${JSON.stringify(frame.body)}.`);
    }
  }
}

function decodeOne(bytes: Uint8Array): Control {
  return decodeControl(bytes, 0, controlFrameEnd(bytes, 0, bytes.length));
}
