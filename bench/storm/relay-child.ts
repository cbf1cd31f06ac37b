/** The relay of a storm, in a process of its own. Tells its numbers when it is asked, and ends when its parent does. */
import { createRelay, letHelpersGiveWay, type Relay } from '../../core/index.ts';

export type ToRelay = { kind: 'numbers' };
export type FromRelay =
  | { kind: 'listening'; address: string }
  | { kind: 'numbers'; rssBytes: number; stats: ReturnType<Relay['stats']>; warnings: string[] };

const [shards, maxLoginsPerSec] = process.argv.slice(2).map(Number);
// As `supernode start` does.
letHelpersGiveWay();
const relay = await createRelay({
  port: 0,
  shards: shards!,
  directory: false,
  admission: { maxLoginsPerSec: maxLoginsPerSec! },
});
const warnings: string[] = [];
relay.on('warning', ({ code }) => warnings.push(code));

const tell = (message: FromRelay): boolean => process.send!(message);
process.on('message', ({ kind }: ToRelay) => {
  if (kind === 'numbers')
    tell({ kind: 'numbers', rssBytes: process.memoryUsage.rss(), stats: relay.stats(), warnings });
});
process.on('disconnect', () => void relay.close().then(() => process.exit()));
tell({ kind: 'listening', address: relay.url });
