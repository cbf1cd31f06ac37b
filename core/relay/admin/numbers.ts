/** GET /status: all of the relay's numbers. GET /why: what became of a peer's things. Both take the token. */
import type { WhyReport } from '../why-desk.ts';
import { AdminRefusal, type AdminRoute, ofRequest } from './routes.ts';

export interface NumbersHost {
  stats(): unknown;
  why(peer: string, other: string | null, options: { minutes?: number }): Promise<WhyReport>;
}

export function numbersRoutes(relay: NumbersHost): AdminRoute[] {
  return [
    {
      method: 'GET',
      path: '/status',
      open: false,
      answer: () => ({ code: 200, body: relay.stats() }),
    },
    {
      method: 'GET',
      path: '/why',
      open: false,
      async answer({ query }) {
        const peer = query.get('peer');
        if (peer === null) throw new AdminRefusal(400, 'Whose? GET /why?peer=ID, and other=ID, minutes=N.');
        const given = query.get('minutes');
        const minutes = given === null ? {} : { minutes: Number(given) };
        return { code: 200, body: await ofRequest(() => relay.why(peer, query.get('other'), minutes)) };
      },
    },
  ];
}
