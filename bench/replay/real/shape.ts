/**
 * How a replay is brought to one machine: so many relays and peers, and everything that lasts minutes or hours goes by
 * `timeScale` times as fast. What cannot be scaled (the wait for an answer over TCP, the start of a process, the queue in a
 * relay) is in milliseconds of the clock, and named so.
 */
import { loginsPerSec } from '../pace.ts';
import { MEGA, type Plan } from '../plan.ts';

export interface Shape {
  /** Replay milliseconds in one of the clock. */
  timeScale: number;
  /** Peers of each load process. */
  loads: number[];
  /** Logins that a relay can serve in a second of the clock: what stands for a relay's processor or its user database. */
  relayLoginsPerSec: number;
  megas: number;
  /** Peers and logins of a mega-supernode, over a relay's. */
  megaFactor: number;
  /** Milliseconds of the clock between samples. */
  tickMs: number;
}

/** Sockets of one load process, of the 20,000 files that it may open; and of what one core does with them. */
const PEERS_PER_LOAD = 1_500;
const SAMPLES = 300;
const LEAST_TICK_MS = 100;

export function shapeOf(plan: Plan, lengthMs: number): Shape {
  const { peers, relays, relayPeers, timeScale, megaPercent } = plan;
  const loads = Math.ceil(peers / PEERS_PER_LOAD);
  return {
    timeScale,
    loads: Array.from(
      { length: loads },
      (_, i) => Math.floor(((i + 1) * peers) / loads) - Math.floor((i * peers) / loads),
    ),
    relayLoginsPerSec: loginsPerSec(relayPeers, timeScale),
    // Less than one relay in a hundred is still one, or the arm would be the one without.
    megas: megaPercent === 0 ? 0 : Math.max(1, Math.round((relays * megaPercent) / 100)),
    megaFactor: MEGA.factor,
    tickMs: Math.max(LEAST_TICK_MS, lengthMs / timeScale / SAMPLES),
  };
}
