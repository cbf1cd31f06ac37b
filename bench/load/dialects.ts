/** The dialects by name. Each is loaded when it is asked for: a load process speaks one. */
import type { Dialect } from './dialect.ts';
import type { Dialect as Name } from './plan.ts';

export async function loadDialect(name: Name): Promise<Dialect> {
  switch (name) {
    case 'supernode':
      return (await import('./supernode-dialect.ts')).supernodeDialect();
    case 'labels':
      return (await import('./labels-dialect.ts')).labelsDialect();
    case 'nats':
      return (await import('./nats-dialect.ts')).natsDialect();
    case 'turn-tcp':
      return (await import('./turn/turn-tcp.ts')).turnTcpDialect('both');
    case 'turn-tcp-udp':
      return (await import('./turn/turn-tcp.ts')).turnTcpDialect('caller');
    case 'turn-udp':
      return (await import('./turn/turn-udp.ts')).turnUdpDialect();
  }
}
