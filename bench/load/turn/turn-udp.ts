/** TURN over UDP towards its clients, as media uses it. */
import type { Dialect } from '../dialect.ts';
import { turnDialect } from './turn-dialect.ts';
import type { Transport } from './turn-peer.ts';
import { UdpWire } from './udp-wire.ts';

/** Only the caller is a TURN client. */
export function turnUdpDialect(): Dialect {
  const transport: Transport = {
    stream: false,
    connect: (address, reader) => {
      const { hostname, port } = new URL(`udp://${address}`);
      return UdpWire.connect(
        { host: hostname, port: Number(port) },
        {
          datagram: (bytes) => reader.bytes(bytes, 0, bytes.length),
          drained: () => reader.drained(),
          ended: (error) => reader.ended(error),
        },
      );
    },
  };
  return turnDialect(transport, 'caller');
}
