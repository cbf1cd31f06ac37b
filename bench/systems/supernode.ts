/** supernode itself: a relay in a process of its own. */
import { createRequire } from 'node:module';
import { type NodeServer, startNodeServer } from './node-server.ts';
import type { StartOptions, System } from './system.ts';

export const supernode: Omit<System, 'start'> & { start(options: StartOptions): Promise<NodeServer> } = {
  id: 'supernode',
  title: 'supernode',
  dialect: 'supernode',
  missing: async () => null,
  version: async () => {
    const { version } = createRequire(import.meta.url)('supernode/package.json') as { version: string };
    return version;
  },
  start: ({ core, shards, directory }) =>
    startNodeServer('relay-process', {
      name: 'supernode relay',
      core,
      args: [String(shards), ...(directory === undefined ? [] : [directory])],
    }),
};
