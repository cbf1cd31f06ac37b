/**
 * `labels`: data frames over a bare WebSocket, without a control plane (bench/systems/label-rules.ts). The server
 * greets each connection with a frame whose label is its index and whose payload is one byte: RELAYS or ECHOES.
 */
import { dataFrameEnd, payloadStart, readLabel } from '../../core/protocol/frame.ts';
import { Answers } from './answers.ts';
import { DataLane, isDataFrame, readDataFrame } from './data-lane.ts';
import {
  type Call,
  type Dialect,
  type Found,
  INCOMPLETE,
  NO_PACKET,
  type PacketReader,
  type Receiver,
} from './dialect.ts';
import type { Flow } from './plan.ts';
import { websocketFraming } from './websocket-framing.ts';
import { WebSocketPeer } from './websocket-peer.ts';

const RELAYS = 0;
const ECHOES = 1;

interface Greeting {
  index: number;
  echoes: boolean;
}

class LabelsPeer extends WebSocketPeer {
  readonly #greetings = new Answers<Greeting>();
  #greeted = false;
  greeting!: Greeting;

  static async connect(address: string, receive: (reader: PacketReader) => Receiver): Promise<LabelsPeer> {
    const peer = new LabelsPeer();
    await peer.connectTo(address, receive);
    try {
      peer.greeting = await peer.#greetings.next('greeting');
      return peer;
    } catch (error) {
      peer.destroy();
      throw error;
    }
  }

  read(bytes: Buffer, from: number, to: number, found: Found): number {
    const data = isDataFrame(bytes, from, to);
    if (data === null) return INCOMPLETE;
    if (!data) throw new Error(`The server sent a frame with op ${bytes[from + 1]}.`);
    const end = readDataFrame(bytes, from, to, found);
    if (end === INCOMPLETE || this.#greeted) return end;
    found.key = NO_PACKET;
    this.#greeted = true;
    this.#greet(bytes, from, to);
    return end;
  }

  #greet(bytes: Buffer, from: number, to: number): void {
    const start = payloadStart(bytes, from);
    const kind = bytes[start];
    if (dataFrameEnd(bytes, from, to) !== start + 1 || (kind !== RELAYS && kind !== ECHOES)) {
      throw new Error('The greeting has no payload of one byte, 0 (relay) or 1 (echo).');
    }
    this.#greetings.give('greeting', { index: readLabel(bytes, from), echoes: kind === ECHOES });
  }

  protected ended(error: Error): void {
    this.#greetings.fail(error);
  }
}

async function call(caller: LabelsPeer, callee: LabelsPeer, flows: readonly Flow[]): Promise<Call> {
  const lanesTo = ({ greeting }: LabelsPeer) =>
    flows.map(({ priority }) => new DataLane(priority, greeting.index));
  return { caller: lanesTo(callee), callee: lanesTo(caller), echo: caller.greeting.echoes };
}

export function labelsDialect(): Dialect {
  return {
    // A plain relay takes one frame in each message.
    framing: { ...websocketFraming, sharesBursts: false },
    connect: (address, _index, receive) => LabelsPeer.connect(address, receive),
    call: (caller, callee, flows) => call(caller as LabelsPeer, callee as LabelsPeer, flows),
  };
}
