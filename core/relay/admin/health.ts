/**
 * GET /healthz: the process is up and its main thread answers. GET /readyz: it takes peers now, or why not: for whoever
 * hands out peers to relays. Neither says more, so neither takes the token.
 */
import type { AdminRoute } from './routes.ts';

/** Why a relay takes no peers. */
export type NotReady = 'starting' | 'draining' | 'closed' | 'overloaded' | 'full' | 'shard-ended';

export function healthRoutes(notReady: () => NotReady[]): AdminRoute[] {
  return [
    { method: 'GET', path: '/healthz', open: true, answer: () => ({ code: 200, body: { status: 'ok' } }) },
    {
      method: 'GET',
      path: '/readyz',
      open: true,
      answer() {
        const because = notReady();
        return because.length === 0
          ? { code: 200, body: { status: 'ready' } }
          : { code: 503, body: { status: 'not-ready', because } };
      },
    },
  ];
}
