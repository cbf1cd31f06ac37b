/**
 * The cheapest WebSocket client that a load generator can have. A client library costs more per message than the relay
 * under test, so this one does only what the benchmark needs:
 *
 * - every socket of the process reads into one shared buffer (node:net `onread`), and a message is handed on in parts,
 *   as it lies in that buffer, without a copy;
 * - client messages are masked with a key of zeros (RFC 6455 §5.3 wants a mask, not a good one), which leaves the
 *   payload as it was encoded.
 */
import { createHash, randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { SUBPROTOCOL } from '../../core/protocol/names.ts';

const BINARY = 0x82;
const CONTINUATION = 0x80;
const CLOSE = 0x88;
const PING = 0x89;
const PONG = 0x8a;
const MASKED = 0x80;
const MASK_BYTES = 4;
/** 2 + 8 bytes of length + mask. */
export const MAX_HEADER_BYTES = 14;
const MAX_UPGRADE_BYTES = 8192;
const ACCEPT_GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

/** Shared by all sockets: a read is consumed before the next one starts. */
const readBuffer = Buffer.allocUnsafeSlow(512 * 1024);

export interface RawSocketReader {
  /** bytes[from, to) is the next part of a message, `last` when it ends it. The bytes change after the call. */
  part(bytes: Buffer, from: number, to: number, last: boolean): void;
  /** Everything that one read brought has been handed over: the moment to answer with one write. */
  readEnded(): void;
  closed(error: Error): void;
}

/** Bytes of the header of a client message. */
export function headerBytes(payloadBytes: number): number {
  return (payloadBytes < 126 ? 2 : payloadBytes < 65_536 ? 4 : 10) + MASK_BYTES;
}

/** Writes a client message's header, key of zeros included. @returns the offset of the payload. */
export function writeHeader(into: Uint8Array, at: number, payloadBytes: number, opcode = BINARY): number {
  let next = at;
  into[next++] = opcode;
  if (payloadBytes < 126) {
    into[next++] = MASKED | payloadBytes;
  } else if (payloadBytes < 65_536) {
    into[next++] = MASKED | 126;
    into[next++] = payloadBytes >>> 8;
    into[next++] = payloadBytes;
  } else {
    into[next++] = MASKED | 127;
    into.fill(0, next, next + 4);
    into[next + 4] = payloadBytes >>> 24;
    into[next + 5] = payloadBytes >>> 16;
    into[next + 6] = payloadBytes >>> 8;
    into[next + 7] = payloadBytes;
    next += 8;
  }
  into.fill(0, next, next + MASK_BYTES);
  return next + MASK_BYTES;
}

export class RawSocket {
  readonly #socket: Socket;
  readonly #reader: RawSocketReader;
  readonly #header = new Uint8Array(10);
  #headerHeld = 0;
  /** Bytes of the current message that are still to come. */
  #left = 0;
  /** Payload of a ping or close that is being read; null while a binary message is. */
  #control: { opcode: number; payload: number[] } | null = null;
  /** Set while the upgrade's answer is being read. */
  #upgrade: { text: string; accept: string; resolve: () => void } | null = null;
  #failed = false;

  private constructor(url: URL, reader: RawSocketReader, resolve: () => void) {
    this.#reader = reader;
    const key = randomBytes(16).toString('base64');
    const accept = createHash('sha1')
      .update(key + ACCEPT_GUID)
      .digest('base64');
    this.#upgrade = { text: '', accept, resolve };
    const port = Number(url.port || 80);
    this.#socket = connect({
      host: url.hostname,
      port,
      noDelay: true,
      onread: {
        buffer: readBuffer,
        callback: (bytes) => {
          this.#read(bytes);
          return true;
        },
      },
    });
    this.#socket.on('error', (error) => this.#fail(error));
    this.#socket.on('close', () => this.#fail(new Error(`${url.href} closed the connection.`)));
    this.#socket.write(
      `GET ${url.pathname} HTTP/1.1\r\nHost: ${url.host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
        `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\nSec-WebSocket-Protocol: ${SUBPROTOCOL}\r\n\r\n`,
    );
  }

  /** Resolves once the relay has agreed to the upgrade; `reader.closed` reports every later end. */
  static connect(url: string, reader: RawSocketReader): Promise<RawSocket> {
    const target = new URL(url);
    if (target.protocol !== 'ws:') throw new Error(`"${url}" is not a ws:// address.`);
    return new Promise((resolve, reject) => {
      let open = false;
      const socket = new RawSocket(
        target,
        {
          part: (bytes, from, to, last) => reader.part(bytes, from, to, last),
          readEnded: () => reader.readEnded(),
          closed: (error) => (open ? reader.closed(error) : reject(error)),
        },
        () => {
          open = true;
          resolve(socket);
        },
      );
    });
  }

  /**
   * Writes bytes that already carry their header.
   * @returns true when the kernel has taken them all, so that the caller may reuse the buffer.
   */
  write(message: Uint8Array): boolean {
    this.#socket.write(message);
    return this.#socket.writableLength === 0;
  }

  /** Sends one binary message. */
  send(payload: Uint8Array): void {
    this.#sendMessage(BINARY, payload);
  }

  /** Ends the TCP connection; `closed` is not called for it. */
  destroy(): void {
    this.#failed = true;
    this.#socket.destroy();
  }

  #sendMessage(opcode: number, payload: Uint8Array): void {
    const message = new Uint8Array(headerBytes(payload.length) + payload.length);
    message.set(payload, writeHeader(message, 0, payload.length, opcode));
    this.#socket.write(message);
  }

  #fail(error: Error): void {
    if (this.#failed) return;
    this.#failed = true;
    this.#socket.destroy();
    this.#reader.closed(error);
  }

  #read(length: number): void {
    const bytes = readBuffer;
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
