/**
 * The cheapest WebSocket client that a load generator can have. A client library costs more per message than the relay
 * under test, so this one does only what the benchmark needs: a message is handed on in parts, as it lies in the buffer
 * that all sockets read into, without a copy; and what it sends is masked with zeros (websocket-framing.ts).
 */
import { createHash, randomBytes } from 'node:crypto';
import { SUBPROTOCOL } from '../../core/protocol/names.ts';
import { TcpWire } from './tcp-wire.ts';
import { BINARY, headerBytes, writeHeader } from './websocket-framing.ts';

export { headerBytes, MAX_HEADER_BYTES, writeHeader } from './websocket-framing.ts';

const CONTINUATION = 0x80;
const CLOSE = 0x88;
const PING = 0x89;
const PONG = 0x8a;
const MAX_CONTROL_PAYLOAD_BYTES = 125;
const MAX_UPGRADE_BYTES = 8192;
const ACCEPT_GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

export interface RawSocketReader {
  /** bytes[from, to) is the next part of a message, `last` when it ends it. The bytes change after the call. */
  part(bytes: Buffer, from: number, to: number, last: boolean): void;
  /** Everything that one read brought has been handed over: the moment to answer with one write. */
  readEnded(): void;
  /** What waited because the kernel did not take it has been taken. */
  drained?(): void;
  closed(error: Error): void;
}

/** The request for an upgrade, and the header that must answer its key. */
function upgradeOf(url: URL): { request: string; accept: string } {
  const key = randomBytes(16).toString('base64');
  const accept = createHash('sha1')
    .update(key + ACCEPT_GUID)
    .digest('base64');
  const request =
    `GET ${url.pathname} HTTP/1.1\r\nHost: ${url.host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
    `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\nSec-WebSocket-Protocol: ${SUBPROTOCOL}\r\n\r\n`;
  return { request, accept };
}

export class RawSocket {
  #wire!: TcpWire;
  readonly #reader: RawSocketReader;
  readonly #header = new Uint8Array(10);
  #headerHeld = 0;
  /** Bytes of the current message that are still to come. */
  #left = 0;
  /** Payload of a ping or close that is being read; null while a binary message is. */
  #control: { opcode: number; payload: number[] } | null = null;
  /** Set while the upgrade's answer is being read. */
  #upgrade: { text: string; accept: string; resolve: () => void; reject: (error: Error) => void } | null =
    null;
  #failed = false;

  private constructor(reader: RawSocketReader) {
    this.#reader = reader;
  }

  /** Resolves once the relay has agreed to the upgrade; `reader.closed` reports every later end. */
  static async connect(url: string, reader: RawSocketReader): Promise<RawSocket> {
    const target = new URL(url);
    if (target.protocol !== 'ws:') throw new Error(`"${url}" is not a ws:// address.`);
    const socket = new RawSocket(reader);
    const { request, accept } = upgradeOf(target);
    socket.#wire = await TcpWire.connect(`${target.hostname}:${target.port || 80}`, {
      read: (bytes, length) => socket.#read(bytes, length),
      drained: () => reader.drained?.(),
      ended: (error) => socket.#fail(error),
    });
    await new Promise<void>((resolve, reject) => {
      socket.#upgrade = { text: '', accept, resolve, reject };
      const bytes = Buffer.from(request);
      socket.#wire.write(bytes, 0, bytes.length, true);
    });
    return socket;
  }

  /**
   * Writes bytes that already carry their header.
   * @returns true when the kernel has taken them all, so that the caller may reuse the buffer.
   */
  write(message: Uint8Array): boolean {
    this.#wire.write(message, 0, message.length, true);
    return this.#wire.heldBytes === 0;
  }

  /** Writes bytes[from, to), whole messages with their headers; see TcpWire.write. */
  writeRange(bytes: Uint8Array, from: number, to: number, stable: boolean): void {
    this.#wire.write(bytes, from, to, stable);
  }

  /** Bytes that the kernel has not taken yet. */
  get heldBytes(): number {
    return this.#wire.heldBytes;
  }

  /** Sends one binary message. */
  send(payload: Uint8Array): void {
    this.#sendMessage(BINARY, payload);
  }

  /** Ends the TCP connection; `closed` is not called for it. */
  destroy(): void {
    this.#failed = true;
    this.#wire.destroy();
  }

  #sendMessage(opcode: number, payload: Uint8Array): void {
    const message = new Uint8Array(headerBytes(payload.length) + payload.length);
    message.set(payload, writeHeader(message, 0, payload.length, opcode));
    this.#wire.write(message, 0, message.length, true);
  }

  #fail(error: Error): void {
    if (this.#failed) return;
    this.destroy();
    if (this.#upgrade !== null) this.#upgrade.reject(error);
    else this.#reader.closed(error);
  }

  #read(bytes: Buffer, length: number): void {
    let at = this.#upgrade === null ? 0 : this.#readUpgrade(bytes, length);
    while (at < length && !this.#failed) {
      if (this.#left === 0) {
        at = this.#readHeader(bytes, at, length);
        if (this.#left === 0) continue;
        if (at === length) break;
      }
      const to = Math.min(length, at + this.#left);
      this.#left -= to - at;
      if (this.#control === null) this.#reader.part(bytes, at, to, this.#left === 0);
      else this.#readControl(bytes, at, to);
      at = to;
    }
    if (!this.#failed) this.#reader.readEnded();
  }

  /** Takes header bytes until it is whole, then sets #left and #control. @returns the offset after what it took. */
  #readHeader(bytes: Uint8Array, from: number, length: number): number {
    const header = this.#header;
    let at = from;
    while (at < length) {
      header[this.#headerHeld++] = bytes[at++]!;
      if (this.#headerHeld < 2) continue;
      const short = header[1]!;
      const needed = short < 126 ? 2 : short === 126 ? 4 : 10;
      if (this.#headerHeld < needed) continue;
      this.#headerHeld = 0;
      let size = short;
      if (short === 126) size = (header[2]! << 8) | header[3]!;
      // A message of 4 GiB is none of ours: the upper half of a 64-bit length is zero.
      if (short === 127)
        size = ((header[6]! << 24) | (header[7]! << 16) | (header[8]! << 8) | header[9]!) >>> 0;
      this.#startMessage(header[0]!, size);
      return at;
    }
    return at;
  }

  #startMessage(opcode: number, size: number): void {
    this.#left = size;
    if (opcode === BINARY || opcode === CONTINUATION) {
      this.#control = null;
    } else if (opcode === CLOSE || opcode === PING || opcode === PONG) {
      if (size > MAX_CONTROL_PAYLOAD_BYTES) {
        this.#fail(new Error(`The relay sent a WebSocket control frame of ${size} bytes.`));
        return;
      }
      this.#control = { opcode, payload: [] };
      if (size === 0) this.#endControl();
    } else {
      this.#fail(new Error(`The relay sent a WebSocket frame with first byte 0x${opcode.toString(16)}.`));
    }
  }

  #readControl(bytes: Uint8Array, from: number, to: number): void {
    for (let at = from; at < to; at++) this.#control!.payload.push(bytes[at]!);
    if (this.#left === 0) this.#endControl();
  }

  #endControl(): void {
    const { opcode, payload } = this.#control!;
    this.#control = null;
    if (opcode === PING) {
      this.#sendMessage(PONG, Uint8Array.from(payload));
    } else if (opcode === CLOSE) {
      const code = payload.length >= 2 ? (payload[0]! << 8) | payload[1]! : 1005;
      const reason = Buffer.from(payload.slice(2)).toString();
      this.#fail(new Error(`The relay closed the WebSocket with code ${code}${reason && `: ${reason}`}.`));
    }
  }

  /** @returns the offset of the first byte after the upgrade's answer. */
  #readUpgrade(bytes: Buffer, length: number): number {
    const upgrade = this.#upgrade!;
    const before = upgrade.text.length;
    upgrade.text += bytes.toString('latin1', 0, length);
    const end = upgrade.text.indexOf('\r\n\r\n');
    if (end < 0) {
      if (upgrade.text.length > MAX_UPGRADE_BYTES)
        this.#fail(new Error('The answer to the upgrade has no end.'));
      return length;
    }
    const [status = '', ...lines] = upgrade.text.slice(0, end).split('\r\n');
    const headers = new Map(
      lines.map((line) => [line.split(':', 1)[0]!.toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]),
    );
    if (!status.startsWith('HTTP/1.1 101')) {
      this.#fail(new Error(`The relay refused the upgrade: ${status}.`));
    } else if (headers.get('sec-websocket-accept') !== upgrade.accept) {
      this.#fail(new Error('The answer to the upgrade has the wrong Sec-WebSocket-Accept.'));
    } else if (headers.get('sec-websocket-protocol') !== SUBPROTOCOL) {
      this.#fail(new Error(`The relay did not agree to the subprotocol ${SUBPROTOCOL}.`));
    } else {
      this.#upgrade = null;
      upgrade.resolve();
    }
    return end + 4 - before;
  }
}
