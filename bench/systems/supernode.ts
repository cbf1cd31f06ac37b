/** supernode itself: a relay in a process of its own. */
import { createRequire } from 'node:module';
import { startNodeServer } from './node-server.ts';
import type { System } from './system.ts';

export const supernode: System = {
  id: 'supernode',
  title: 'supernode',
  dialect: 'supernode',
  missing: async () => null,
  version: async () => {
    const { version } = createRequire(import.meta.url)('supernode/package.json') as { version: string };
    return version;
  },
  start: ({ core, shards }) =>
    startNodeServer('relay-process', { name: 'supernode relay', core, args: [String(shards)] }),
};
