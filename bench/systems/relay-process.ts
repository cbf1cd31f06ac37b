/** A supernode relay in a process of its own, so that its CPU time and memory can be told from the load's. */
import { createRelay, letHelpersGiveWay } from '../../core/index.ts';
import { answerRun } from './answer-run.ts';
import { plant } from './plant.ts';

await answerRun(async () => {
  plant(process.env);
  // As `supernode start` does.
  letHelpersGiveWay();
  const [shards, path] = process.argv.slice(2);
  const relay = await createRelay({
    host: '127.0.0.1',
    port: 0,
    shards: Number(shards),
    ...(path !== undefined && { directory: { path } }),
  });
  return {
    address: relay.url,
    drops: () => Object.values(relay.stats().drops).reduce((sum, count) => sum + count, 0),
    close: () => relay.close(),
  };
});
