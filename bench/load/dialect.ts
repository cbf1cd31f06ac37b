/**
 * What a dialect tells the load engine about a system: how its peers connect, how two of them get into a call, and
 * which bytes a packet is at either end. The engine does the rest: it encodes each lane's packets once, sends pieces
 * of that, and checks what comes with one compare per read. A dialect is therefore not on the packet path but for
 * `Peer.write` and `Receiver.bytes`; everything else runs once per call, per lane or per unexpected byte.
 *
 *   Dialect --connect--> Peer   one connection of one peer; it is also the PacketReader of what comes on it
 *           --call-----> Lane   one flow of one call at one end: what this end writes, and what arrives here
 *
 * In a byte stream (TCP) packets come and go back to back and a read may end anywhere; in datagrams each is whole.
 * The dialects are listed by name in dialects.ts. Over TCP use TcpWire (tcp-wire.ts), which has a Peer's write and
 * heldBytes; `writeNow` there is for datagrams too.
 */
import type { Flow } from './plan.ts';

/** Adds the header of a message (WebSocket) in front of packets. */
export interface MessageFraming {
  /** Most packet bytes in one message. */
  readonly limitBytes: number;
  /** Packets of a peer that are due together in an open loop share a message, as they would in a real client. */
  readonly sharesBursts: boolean;
  /** Bytes of the header of a message of so many packet bytes. */
  headerBytes(packetBytes: number): number;
  /** Writes that header into[at...]. @returns the offset after it. */
  writeHeader(into: Uint8Array, at: number, packetBytes: number): number;
}

/**
 * How packets follow each other towards the system: `stream`: back to back; `datagrams`: one `Peer.write` each;
 * otherwise in messages: one packet in each, or as many as there are to send, as the phase says.
 */
export type Framing = 'stream' | 'datagrams' | MessageFraming;

export interface Dialect {
  readonly framing: Framing;

  /**
   * Connects one peer and logs it in. Many are under way at a time.
   * @param address as `LoadPlan.address`.
   * @param index of the peer in this load process, from 0.
   * @param receive makes the Receiver that the peer hands its bytes to; call it once, before the first byte comes.
   * @throws Error with one sentence, after it has ended the connection.
   */
  connect(address: string, index: number, receive: (reader: PacketReader) => Receiver): Promise<Peer>;

  /**
   * Puts two peers of this dialect's `connect` in a call. One peer may be in many (fan-in); calls of different
   * pairs are set up concurrently, and so are those of a peer in several, unless `callsAtOnce` says otherwise.
   * @returns for each end one lane per flow, in the order of `flows`. The two ends may be one and the same peer's
   *   only where the system echoes: see Call.echo.
   */
  call(caller: Peer, callee: Peer, flows: readonly Flow[]): Promise<Call>;

  /** Calls that may be set up at a time; default 32. */
  readonly callsAtOnce?: number;

  /** Frees what is shared by all peers; the peers have been destroyed before. */
  close?(): void;
}

export interface Call {
  caller: Lane[];
  callee: Lane[];
  /** The system returns what a lane sends to that same lane, in place of its partner's. */
  echo?: boolean;
}

/** One flow of one call at one end. */
export interface Lane {
  /** A number of the dialect's choosing that is unique among the lanes of one peer, such as a label. */
  readonly key: number;
  /** The bytes that this end writes for a packet, without the header of a message. */
  encode(payload: Uint8Array): Uint8Array;
  /** The bytes that arrive here for a packet that the partner sent, without the header of a message. */
  expect(payload: Uint8Array): Uint8Array;
  /** Where the system lets a sender send only so much (reliable channels of supernode). Absent: no limit. */
  readonly credit?: Credit;
  /** Packets arrived here, `bytes` in all as `expect` has them: the moment to grant the partner more. */
  taken?(bytes: number): void;
}

export interface Credit {
  /** Bytes (as `encode` gives them) that may be sent now. The engine subtracts, the dialect adds. */
  bytes: number;
  /** The dialect calls it after it has added. The engine sets it. */
  grown: () => void;
}

/** What `PacketReader.read` has found; one object is used over and over. */
export interface Found {
  /** `Lane.key` of the packet's lane; NO_PACKET when it was none, and the dialect has dealt with it. */
  key: number;
  /** The packet's payload is bytes[payloadFrom, payloadTo). */
  payloadFrom: number;
  payloadTo: number;
}

export const NO_PACKET = -1;
/** `PacketReader.read`: what begins here does not end in these bytes. */
export const INCOMPLETE = -1;

export interface PacketReader {
  /**
   * Reads one item at a boundary: called where the bytes are not the packet that was due on the only lane (control
   * frames, PING, responses, a fault) and for every packet of a peer that has several lanes under way. Control
   * items are acted on here (answer a ping with `write`, wake who waits for a response).
   * @param found is filled in.
   * @returns the offset after the item, or INCOMPLETE: it is called again with the same bytes and more. An item
   *   that is longer than the largest packet or control item must throw, not stay incomplete for ever.
   * @throws Error when it is neither a packet nor a control item: a `corrupted` fault.
   */
  read(bytes: Buffer, from: number, to: number, found: Found): number;
}

/** The engine's end of a connection. None of these throws. */
export interface Receiver {
  /**
   * bytes[from, to) came, without headers of messages; in datagrams: one whole datagram. The bytes may change after
   * the call: nothing of them is kept.
   */
  bytes(bytes: Buffer, from: number, to: number): void;
  /** A message ends here: a packet that has begun and not ended is a fault. Messages only. */
  messageEnded(): void;
  /** Everything that one read brought has been handed over: the moment to answer. */
  readEnded(): void;
  /** `heldBytes` has become 0 again. */
  drained(): void;
  /** The connection ended, or the dialect cannot go on; not called after `destroy`. */
  broken(error: Error): void;
}

/** One connection of one peer. */
export interface Peer {
  /**
   * Sends bytes[from, to): whole messages, packets or one datagram.
   * @param stable they never change, so that they may be kept; otherwise what the kernel does not take at once must
   *   be copied.
   */
  write(bytes: Uint8Array, from: number, to: number, stable: boolean): void;
  /** Bytes that wait in this process because the kernel does not take them yet. */
  readonly heldBytes: number;
  /** Ends the connection at once and without a word to the receiver. */
  destroy(): void;
}
