/** supernode's own library without supernode: a relay that sends at once, and an echo, which is what it can do at most. */
import { readFile } from 'node:fs/promises';
import * as v from 'valibot';
import { startNodeServer } from './node-server.ts';
import type { System } from './system.ts';

const PackageSchema = v.object({ version: v.string() });

/** Of the repack that is installed; its package.json is not among its exports. */
async function version(): Promise<string> {
  const file = new URL('../package.json', import.meta.resolve('uWebSockets.js'));
  return v.parse(PackageSchema, JSON.parse(await readFile(file, 'utf8'))).version;
}

export const uwsRelay: System = {
  id: 'uws-relay',
  title: 'uWebSockets.js relay',
  dialect: 'labels',
  missing: async () => null,
  version,
  start: ({ core }) => startNodeServer('uws-relay-server', { name: 'uWebSockets.js relay', core }),
};

export const uwsEcho: System = {
  id: 'uws-echo',
  title: 'uWebSockets.js echo',
  dialect: 'labels',
  missing: async () => null,
  version,
  start: ({ core }) => startNodeServer('uws-echo-server', { name: 'uWebSockets.js echo', core }),
};
