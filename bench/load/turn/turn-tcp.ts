/** TURN over TCP towards its clients (RFC 8656 §2.1). */
import type { Dialect } from '../dialect.ts';
import { TcpWire } from '../tcp-wire.ts';
import { turnDialect } from './turn-dialect.ts';
import type { Transport } from './turn-peer.ts';

/** @param clients the ends of a call that are TURN clients; another end is reached by UDP. */
export function turnTcpDialect(clients: 'both' | 'caller'): Dialect {
  const transport: Transport = {
    stream: true,
    connect: (address, reader) =>
      TcpWire.connect(address, {
        read: (bytes, length) => reader.bytes(bytes, 0, length),
        drained: () => reader.drained(),
        ended: (error) => reader.ended(error),
      }),
  };
  return turnDialect(transport, clients);
}
