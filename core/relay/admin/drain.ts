/** POST /drain: sends the peers away. Answers at once; GET /status tells how far it is. */
import type { ResolvedDrain } from '../drain-options.ts';
import { type AdminRoute, ofRequest } from './routes.ts';

export interface DrainSource {
  /** Begins a drain, or finds one under way. @throws OptionError */
  begin(options: unknown): ResolvedDrain & { endsInMs: number; sessions: number };
}

export function drainRoute(relay: DrainSource): AdminRoute {
  return {
    method: 'POST',
    path: '/drain',
    open: false,
    answer: async ({ body }) => ({ code: 200, body: await ofRequest(() => relay.begin(body ?? {})) }),
  };
}
