import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

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
    include: ['test/**/*.test.ts'],
    setupFiles: ['test/equal-bytes.ts'],
    pool: 'forks',
    maxWorkers: Math.max(2, availableParallelism()),
    testTimeout: process.env['SUPERNODE_SOAK'] ? 1_200_000 : 60_000,
    hookTimeout: 30_000,
    server: { deps: { external: [/\/dist\//] } },
    reporters: process.env['CI'] ? ['default', 'json'] : ['default'],
    outputFile: { json: '.ci/results.json' },
  },
});
