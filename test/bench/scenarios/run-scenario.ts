/** Runs scenarios in the test's own process, and reads their results; relays that a test may kill. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import * as hdr from 'hdr-histogram-js';
import { afterEach } from 'vitest';
import type { LoadFault } from '../../../bench/load/fault.ts';
import type { OperationResult } from '../../../bench/load/scenarios/scenario.ts';

const running = new Set<{ abandon(): void }>();

/** The first fault that a scenario reports; `scenario` is ended with the test. */
export function watched<S extends { abandon(): void }>(
  make: (fail: (fault: LoadFault) => void) => S,
): { scenario: S; faults: LoadFault[] } {
  const faults: LoadFault[] = [];
  const scenario = make((fault) => faults.push(fault));
  running.add(scenario);
  return { scenario, faults };
}

const RELAY = fileURLToPath(new URL('relay-to-kill.mjs', import.meta.url));
const children = new Set<ChildProcess>();

/** A relay in a process of its own; it is killed with the test at the latest. */
export async function killableRelay(): Promise<{ url: string; kill(): void }> {
  const relay = fork(RELAY, { execArgv: [] });
  killWithTest(relay);
  const [url] = (await once(relay, 'message')) as [string];
  return { url, kill: () => void relay.kill('SIGKILL') };
}

export function killWithTest(child: ChildProcess): void {
  children.add(child);
}

afterEach(async () => {
  for (const scenario of running) scenario.abandon();
  running.clear();
  for (const child of children) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
  children.clear();
});

export function latencies({ histogram }: OperationResult): hdr.Histogram {
  return hdr.decodeFromCompressedBase64(histogram);
}
