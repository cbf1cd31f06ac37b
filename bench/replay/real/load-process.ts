/** A load process of a real replay: some of the peers. */
import { setPriority } from 'node:os';
import { childOf } from './child.ts';
import { Crowd } from './crowd.ts';
import type { FromLoad, LoadOrder, ToLoad } from './messages.ts';

/** A relay is not to wait for a core that its peers keep busy: they would have processors of their own. */
const NICE = 5;

const order = JSON.parse(process.argv[2]!) as LoadOrder;
setPriority(NICE);
const crowd = new Crowd(order);
const run = childOf<ToLoad, FromLoad>(heard, () => crowd.removeFolder());
process.on('uncaughtException', (error) => {
  run.tell({ kind: 'failed', message: error.stack ?? error.message });
});

setInterval(() => run.tell(crowd.tally.sample()), order.tickMs);
crowd.gather().then(
  () => run.tell({ kind: 'ready' }),
  (error: Error) => run.tell({ kind: 'failed', message: error.message }),
);

function heard(message: ToLoad): void {
  switch (message.kind) {
    case 'begin':
      crowd.begin();
      return;
    case 'trigger':
      crowd.trigger();
      return;
    case 'store':
      crowd.store(message.lateMs);
      return;
    case 'killed':
      crowd.killed(message.relay);
      run.tell({ kind: 'noted', relay: message.relay });
      return;
    case 'reports':
      crowd.reports(message.reports);
      return;
    case 'up':
      crowd.up(message.relay, message.address, message.report);
      return;
    case 'finish':
      finish();
  }
}

function finish(): void {
  const { tally } = crowd;
  run.tell({
    kind: 'result',
    calls: tally.calls,
    frames: crowd.frames.counts,
    asked: tally.windows(),
    waits: tally.waits.encode(),
    audioDelays: tally.audioDelays.encode(),
    crashes: tally.crashes,
    crashesAgain: tally.crashesAgain,
  });
  crowd.stop();
}
