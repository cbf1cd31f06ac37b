/**
 * The shard's own code, for benchmarks of parts that no relay shows alone. Bench imports nothing from workers/; like
 * core, it names a worker's file by URL and loads it at run time. What it uses of it is written down here: the names are
 * checked when they are loaded, the types by a test that may import both.
 */
import type { ShardSocket } from '../../core/transport/uws.ts';

/** A part of `Session` (workers/shard/session.ts). */
export interface ShardSession {
  readonly slot: number;
  state: number;
}

/** A part of `Ends` (workers/shard/ends.ts): what appendData reads. */
export interface ShardEnds {
  op: Uint8Array;
  lifeMs: Uint16Array;
  allocate(owner: number): number;
}

/** A part of `Outboxes` (workers/shard/outbox.ts). */
export interface ShardOutboxes {
  appendData(
    session: ShardSession,
    end: number,
    source: Uint8Array,
    start: number,
    stop: number,
    frames: number,
  ): void;
  appendControl(session: ShardSession, frame: Uint8Array, priority: number): void;
  flush(): void;
}

export interface ShardOutboxHost {
  why: { noteWaited(label: number, reason: string, frames: number): void };
  congestion: {
    droppedFor(label: number, cause: string, frames: number): void;
    passedFor(label: number, bytes: number): void;
  };
  end(session: ShardSession, code: string, message: string): void;
  fault(session: ShardSession, error: unknown): void;
  schedule(): void;
}

/** `E` is the whole of `Ends`, which only the shard knows: what it makes goes back to it. */
export interface ShardModules<E extends ShardEnds = ShardEnds> {
  Ends: new () => E;
  SessionTable: new () => { add(socket: ShardSocket<ShardSession>): ShardSession };
  LIVE: number;
  Outboxes: new (host: ShardOutboxHost, ends: E, counters: Float64Array) => ShardOutboxes;
}

const extension = import.meta.url.slice(-3);

/** @throws Error that names what is no longer there. */
export async function loadShardModules(): Promise<ShardModules> {
  const load = (name: string): Promise<Record<string, unknown>> =>
    import(new URL(`../../workers/shard/${name}${extension}`, import.meta.url).href);
  const [ends, session, outbox] = await Promise.all([load('ends'), load('session'), load('outbox')]);
  const modules: Record<string, unknown> = { ...ends, ...session, ...outbox };
  checkShape(modules);
  return modules;
}

/** @throws Error when a name that the benchmarks use is missing. */
export function checkShape(
  modules: Record<string, unknown>,
): asserts modules is Record<string, unknown> & ShardModules {
  const methods = {
    Ends: ['allocate'],
    SessionTable: ['add'],
    Outboxes: ['appendData', 'appendControl', 'flush'],
  };
  for (const [name, wanted] of Object.entries(methods)) {
    const prototype = (modules[name] as { prototype?: Record<string, unknown> } | undefined)?.prototype;
    const missing = wanted.find((method) => typeof prototype?.[method] !== 'function');
    if (missing) throw new Error(`The shard has no ${name}.${missing} any more: mend bench/suites.`);
  }
  if (typeof modules['LIVE'] !== 'number')
    throw new Error('The shard has no LIVE any more: mend bench/suites.');
}
