import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

/** Pure, or nearly so: these share a process, since a fresh one for each file costs more than what is in it. */
const UNITS = [
  'overload',
  'protocol',
  'shard',
  'identity',
  'identity-ticket',
  'threads',
  'bench/reporter',
  'bench/run',
].map((folder) => `test/${folder}/**/*.test.ts`);

const root = fileURLToPath(new URL('..', import.meta.url));

export default defineConfig({
  root,
  resolve: {
    // Tests of the public API run the built package, as a user would; unit tests import the sources.
    alias: {
      'supernode/client': `${root}dist/core/client/node.js`,
      supernode: `${root}dist/core/index.js`,
    },
  },
  test: {
    setupFiles: ['test/equal-bytes.ts'],
    pool: 'forks',
    maxWorkers: Math.max(2, availableParallelism()),
    testTimeout: process.env['SUPERNODE_SOAK'] ? 1_200_000 : 120_000,
    hookTimeout: 30_000,
    server: { deps: { external: [/\/dist\//] } },
    reporters: process.env['CI'] ? ['default', 'json'] : ['default'],
    projects: [
      { extends: true, test: { name: 'units', include: UNITS, isolate: false } },
      { extends: true, test: { name: 'processes', include: ['test/**/*.test.ts'], exclude: UNITS } },
    ],
    outputFile: { json: '.ci/results.json' },
  },
});
