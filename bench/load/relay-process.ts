/** A relay in a process of its own, so that its CPU time and memory can be told from the load's. */
import { createRelay, type Relay } from '../../core/index.ts';
import { GarbageCollector } from './collect-garbage.ts';
import type { FromRelay, ToRelay } from './messages.ts';

if (!process.send) throw new Error('relay-process is started by a benchmark, not by hand.');

function tell(message: FromRelay): void {
  process.send!(message);
}

function sample(relay: Relay): void {
  const { user, system } = process.cpuUsage();
  tell({
    kind: 'sample',
    atMs: performance.now(),
    cpuMs: (user + system) / 1000,
    rssBytes: process.memoryUsage.rss(),
    drops: { ...relay.stats().drops },
  });
}

try {
  const relay = await createRelay({ host: '127.0.0.1', port: 0, shards: Number(process.argv[2]) });
  let collector: GarbageCollector | null = null;
  process.once('disconnect', () => void relay.close());
  process.on('message', (message: ToRelay) => {
    if (message.kind === 'sample') {
      sample(relay);
      return;
    }
    collector ??= new GarbageCollector();
    collector.collect().then((collection) => tell({ kind: 'collected', ...collection }));
  });
  tell({ kind: 'listening', url: relay.url });
} catch (error) {
  tell({ kind: 'failed', message: (error as Error).message });
  process.disconnect();
}
