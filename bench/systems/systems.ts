/** Every system that can be measured. */
import { coturnTcp, coturnTcpUdp, coturnUdp } from './coturn.ts';
import { nats } from './nats.ts';
import { supernode } from './supernode.ts';
import type { System, SystemId } from './system.ts';
import { uwsEcho, uwsRelay } from './uws.ts';
import { ws } from './ws.ts';

export const SYSTEMS: Record<SystemId, System> = {
  supernode,
  ws,
  'uws-relay': uwsRelay,
  'uws-echo': uwsEcho,
  nats,
  'coturn-tcp': coturnTcp,
  'coturn-tcp-udp': coturnTcpUdp,
  'coturn-udp': coturnUdp,
};
