/** `supernode top`: what a relay does now, live. */
import type { Command } from './command.ts';
import { EXIT_FAILURE, UsageError } from './exit-codes.ts';
import { shown, text } from './flags.ts';

const LEAST_SECONDS = 0.1;
const MOST_SECONDS = 3_600;

export const top: Command = {
  name: 'supernode top',
  description: 'Shows what a running relay does, per second and live',
  args: {
    url: {
      type: 'string',
      description: 'ws://127.0.0.1:PORT of a relay of this user, or http://HOST:PORT of an admin port',
      valueHint: 'URL',
    },
    interval: { type: 'string', description: 'Seconds between two readings (default 1)', valueHint: 'S' },
    once: { type: 'boolean', description: 'Measure for one interval, print it and end' },
    json: { type: 'boolean', description: 'Print one line of JSON for each interval' },
  },
  notes: [
    'q or Ctrl-C ends it. When stdout is no terminal it is as with --once. Peers, frames and bytes by class with their ' +
      'last values as bars, drops by reason, logins, and for every thread how late its event loop is: everything that ' +
      'passes there waits that long.',
    'It finds the relay and its token as supernode status does.',
  ],
  examples: [
    ['supernode top', 'the relay of this user, live'],
    ['supernode top --once', 'one reading'],
    ['supernode top --json --interval 10 >> relay.ndjson', 'keep it'],
  ],
  exitCodes: [[EXIT_FAILURE, 'no relay runs there, or it refused the token']],
  async run(values) {
    const settings = {
      url: text(values, 'url'),
      intervalMs: interval(text(values, 'interval')),
      once: values['once'] === true,
      json: values['json'] === true,
    };
    const { watchRelay } = await import('./top/watch.ts');
    return watchRelay(settings);
  },
};

function interval(given = '1'): number {
  const seconds = /^\d{1,4}(\.\d{1,3})?$/.test(given) ? Number(given) : Number.NaN;
  if (seconds >= LEAST_SECONDS && seconds <= MOST_SECONDS) return seconds * 1_000;
  throw new UsageError(
    `--interval must be ${LEAST_SECONDS} to ${MOST_SECONDS} seconds, not "${shown(given)}".`,
  );
}
