/** What most people would write first: a relay on the `ws` package. */
import { createRequire } from 'node:module';
import { startNodeServer } from './node-server.ts';
import type { System } from './system.ts';

export const ws: System = {
  id: 'ws',
  title: 'ws relay',
  dialect: 'labels',
  missing: async () => null,
  version: async () => {
    const { version } = createRequire(import.meta.url)('ws/package.json') as { version: string };
    return version;
  },
  start: ({ core }) => startNodeServer('ws-server', { name: 'ws relay', core }),
};
