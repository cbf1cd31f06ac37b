/** Which core the measured systems get, and which ones the load. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { OptionError } from '../../core/protocol/errors.ts';
import type { BenchConfig } from '../config.ts';
import { allowedCoresOf } from '../machine/read-system.ts';

/** More load processes than this have never been needed for one core of relay. */
const MOST_LOADS = 4;

export interface Placement {
  /** Null: not pinned. */
  relayCore: number | null;
  /** One for each load process; null: not pinned. */
  loadCores: readonly (number | null)[];
  shards: number;
}

/** Cores that this process may pin others to; null where it cannot pin. */
export function coresToPin(): number[] | null {
  if (process.platform !== 'linux' || spawnSync('taskset', ['--version']).status !== 0) return null;
  return allowedCoresOf(readFileSync('/proc/self/status', 'utf8'));
}

/** @throws OptionError for a core that this process may not use. */
export function place(
  { relay, load, loadProcesses, shards }: BenchConfig['placement'],
  allowed: readonly number[] | null,
): Placement {
  const asked = [...(relay === 'auto' ? [] : [relay]), ...(load === 'auto' ? [] : load)];
  for (const core of asked) {
    if (allowed?.includes(core)) continue;
    const why = allowed === null ? 'cannot pin processes to cores here' : `may use ${allowed.join(', ')}`;
    throw new OptionError(`A benchmark cannot be placed on core ${core}: this process ${why}.`);
  }
  if (allowed === null || allowed.length < 2) {
    return { relayCore: null, loadCores: Array(count(loadProcesses, 1)).fill(null), shards };
  }
  const relayCore =
    relay === 'auto' ? allowed.find((core) => load === 'auto' || !load.includes(core)) : relay;
  if (relayCore === undefined) throw new OptionError('The load was given every core: the relay needs one.');
  const free = load === 'auto' ? allowed.filter((core) => core !== relayCore) : load;
  const loads = count(loadProcesses, Math.min(free.length, MOST_LOADS));
  return { relayCore, loadCores: Array.from({ length: loads }, (_, i) => free[i % free.length]!), shards };
}

function count(asked: number | 'auto', auto: number): number {
  return asked === 'auto' ? auto : asked;
}

/** Peers of each of so many load processes: even numbers, two at least. */
export function shareOut(peers: number, processes: number): number[] {
  const pairs = peers / 2;
  const used = Math.min(processes, pairs);
  return Array.from(
    { length: used },
    (_, i) => 2 * (Math.floor(((i + 1) * pairs) / used) - Math.floor((i * pairs) / used)),
  );
}
