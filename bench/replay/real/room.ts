/** Whether this machine can hold a real replay: said in one sentence before anything is started. */
import { readFileSync } from 'node:fs';
import { availableParallelism, freemem } from 'node:os';
import { OptionError } from '../../../core/protocol/errors.ts';
import type { Plan } from '../plan.ts';
import type { Shape } from './shape.ts';

const MiB = 1024 * 1024;
/** Measured: a relay with its threads and store 95 MiB and 30 KiB a peer; a load process 80 MiB and 35 KiB a peer. */
const RELAY_BYTES = 110 * MiB;
const LOAD_BYTES = 100 * MiB;
const PEER_BYTES = 70 * 1024;
/** Handshakes, stores, pipes. */
const FILES_BESIDE = 1_000;
const LEAST_CORES = 2;
/** Beyond it the starts of the relays alone take longer than the replay. */
const MOST_RELAYS = 32;

export interface Machine {
  cores: number;
  files: number;
  freeBytes: number;
}

export function thisMachine(): Machine {
  return { cores: availableParallelism(), files: openFiles(), freeBytes: availableBytes() };
}

/** @throws OptionError that names what is missing, and what to change. */
export function checkRoom(plan: Plan, shape: Shape, machine: Machine = thisMachine()): void {
  const { peers, relays, relayPeers } = plan;
  if (relays > MOST_RELAYS) {
    throw new OptionError(
      `A real replay has at most ${MOST_RELAYS} relay processes, not ${relays}; fewer --peers need fewer.`,
    );
  }
  if (machine.cores < LEAST_CORES) {
    throw new OptionError(
      `A real replay needs ${LEAST_CORES} cores, one for relays and one for their peers, and this machine has ${machine.cores}; replay without --real.`,
    );
  }
  const files =
    Math.max(...shape.loads, relayPeers * (shape.megas > 0 ? shape.megaFactor : 1)) + FILES_BESIDE;
  if (machine.files < files) {
    throw new OptionError(
      `A process of this replay opens up to ${files} files, and may open ${machine.files}: raise it (ulimit -n) or lower --peers.`,
    );
  }
  const bytes = relays * RELAY_BYTES + shape.loads.length * LOAD_BYTES + peers * PEER_BYTES;
  if (machine.freeBytes < bytes) {
    throw new OptionError(
      `This replay needs about ${Math.ceil(bytes / MiB)} MiB of memory, and ${Math.floor(machine.freeBytes / MiB)} MiB are free: lower --peers.`,
    );
  }
}

function openFiles(): number {
  try {
    const soft = /^Max open files\s+(\d+|unlimited)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
    return soft === undefined || soft === 'unlimited' ? Number.POSITIVE_INFINITY : Number(soft);
  } catch {
    // Not Linux: nobody tells; a socket that cannot be opened will.
    return Number.POSITIVE_INFINITY;
  }
}

function availableBytes(): number {
  try {
    return (
      Number(/^MemAvailable:\s+(\d+) kB/m.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1]) * 1024 ||
      freemem()
    );
  } catch {
    return freemem();
  }
}
