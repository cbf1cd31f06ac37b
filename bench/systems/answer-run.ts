/** The server's end of the IPC with the run: the same in every server process of ours. */
import { GarbageCollector } from './collect-garbage.ts';
import type { FromServer, ToServer } from './messages.ts';

export interface Served {
  /** As `LoadPlan.address`. */
  address: string;
  /** Packets dropped since the start. */
  drops(): number;
  /** Resolves when nothing keeps the process any more; the process ends then in any case. */
  close(): void | Promise<void>;
}

function tell(message: FromServer): void {
  // The run may have gone: `disconnect` deals with that.
  process.send?.(message, undefined, undefined, () => {});
}

function sample(server: Served): void {
  const { user, system } = process.cpuUsage();
  tell({
    kind: 'sample',
    cpuMs: (user + system) / 1000,
    rssBytes: process.memoryUsage.rss(),
    drops: server.drops(),
  });
}

/** Starts a server, says where it listens, and answers the run until that lets go of this process. */
export async function answerRun(start: () => Served | Promise<Served>): Promise<void> {
  if (!process.send) throw new Error('This server is started by a benchmark, not by hand.');
  let started: Served | null = null;
  const end = async (): Promise<void> => {
    await started?.close();
    process.exit();
  };
  // Before it starts: the run may be gone by the time it has, or even now.
  process.once('disconnect', end);
  try {
    const server = await start();
    started = server;
    if (!process.connected) await end();
    let collector: GarbageCollector | null = null;
    process.on('message', (message: ToServer) => {
      if (message.kind === 'sample') {
        sample(server);
        return;
      }
      collector ??= new GarbageCollector();
      collector.collect().then((collection) => tell({ kind: 'collected', ...collection }));
    });
    tell({ kind: 'listening', address: server.address });
  } catch (error) {
    tell({ kind: 'failed', message: (error as Error).message });
    process.disconnect();
  }
}
