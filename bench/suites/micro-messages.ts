/** What a micro process is told and what it answers. Types only. */
import type { MicroSample, MicroSuite } from './suite.ts';

export interface RunMicro {
  kind: 'run';
  suites: MicroSuite[];
  core: number | null;
  loadCore: number | null;
  passMs: number;
  passes: number;
}

export type FromMicro =
  | {
      kind: 'ran';
      samples: MicroSample[];
      /** What the blackhole came to: sent so that no result can be left out (see blackhole.ts). */
      swallowed: number;
    }
  | { kind: 'failed'; message: string };
