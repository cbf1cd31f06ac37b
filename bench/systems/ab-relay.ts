/** A relay of any build, in a process of its own: `bench/ab.ts` says which, and with what options. */
import { answerRun } from './answer-run.ts';

await answerRun(async () => {
  const [module, options] = process.argv.slice(2);
  const { createRelay } = (await import(module!)) as typeof import('../../core/index.ts');
  const relay = await createRelay({ host: '127.0.0.1', port: 0, ...JSON.parse(options!) });
  return {
    address: relay.url,
    drops: () => Object.values(relay.stats().drops).reduce((sum, count) => sum + count, 0),
    close: () => relay.close(),
  };
});
