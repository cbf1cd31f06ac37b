/** `supernode drain`: a relay sends its peers away, and ends if `supernode start` runs it. */
import type { ResolvedDrain } from '../relay/drain-options.ts';
import type { Command } from './command.ts';
import { CommandError, EXIT_FAILURE, EXIT_OK } from './exit-codes.ts';
import type { AdminAddress } from './find-admin.ts';
import { text } from './flags.ts';
import { printText, stderrLine } from './print.ts';

type Begun = ResolvedDrain & { endsInMs: number; sessions: number };

const LOOK_MS = 250;
/** A relay of `start` closes after its drain: its threads and its directory take a moment. */
const CLOSE_MS = 10_000;

export const drain: Command = {
  name: 'supernode drain',
  description: 'Has a relay send its peers away, in good order',
  args: {
    url: {
      type: 'string',
      description: "The relay's ws:// URL on this machine, or its admin port http://HOST:PORT",
      valueHint: 'URL',
    },
    grace: {
      type: 'string',
      description: 'How long peers with open channels keep them (default 0)',
      valueHint: 'SECONDS',
    },
    spread: {
      type: 'string',
      description: 'Over how long peers are sent away (default: 0.5 ms a peer, 1 to 8 s)',
      valueHint: 'SECONDS',
    },
    successor: {
      type: 'string',
      description:
        'Relays that take the peers over, at most 8, separated by commas (default: none, they come back)',
      valueHint: 'URL[,URL]',
    },
    'no-wait': { type: 'boolean', description: 'Do not wait until it is over' },
    json: { type: 'boolean', description: 'Print one line of JSON' },
  },
  notes: [
    'The two ends of a channel leave at the same moment and for the same successor, so that calls can go on there. ' +
      'Without a successor every peer comes back to the same address, when the last has left and two seconds have ' +
      'passed: time for the next relay to start.',
    'A relay of supernode start ends with exit code 0 when all have left, at most two seconds after grace and spread. A ' +
      'drain that is under way cannot be changed: a second one waits for the first. SIGTERM to the relay ends it at once.',
    'Who may ask is as with supernode status.',
  ],
  examples: [
    ['supernode drain', 'the relay of this user: peers come back to its address'],
    ['supernode drain --spread 30 --successor wss://b.example:7420', 'to another relay, over half a minute'],
    ['supernode drain --grace 300 --no-wait', 'calls may go on for five minutes'],
  ],
  exitCodes: [
    [EXIT_FAILURE, 'no relay runs there, it refused the token, or peers were left when the time was over'],
  ],
  async run(values) {
    const { checkSuccessors, drainOptions } = await import('./drain-flags.ts');
    const options = drainOptions(values, '');
    const { findAdmin } = await import('./find-admin.ts');
    const { askAdmin } = await import('./ask-admin.ts');
    const address = await findAdmin(text(values, 'url'));
    if (options.successors !== undefined) {
      const { askStatus } = await import('./ask-status.ts');
      checkSuccessors(options.successors, (await askStatus(address)).numbers.url);
    }
    const { json } = await askAdmin(address, { method: 'POST', path: '/drain', body: options });
    const begun = json as Begun;
    const asJson = values['json'] === true;
    if (!asJson) stderrLine(`${peers(begun.sessions)} to send away, within ${seconds(begun.endsInMs)}.`);
    // citty reads --no-wait as a `wait` that is false.
    const waits = values['no-wait'] !== true && values['wait'] !== false;
    const left = waits ? await waitForEnd(address, begun.endsInMs, asJson ? () => {} : stderrLine) : null;
    if (asJson) await printText(`${JSON.stringify({ ...begun, ...(left === null ? {} : { left }) })}\n`);
    else if (left === 0) await printText('drained\n');
    if (left === null || left === 0) return EXIT_OK;
    throw new CommandError(EXIT_FAILURE, 'internal', `${peers(left)} had not left when the time was over.`);
  },
};

/** @returns how many peers are left: 0, unless something went wrong. */
async function waitForEnd(
  address: AdminAddress,
  endsInMs: number,
  say: (line: string) => void,
): Promise<number> {
  const { askStatus } = await import('./ask-status.ts');
  const deadline = performance.now() + endsInMs + CLOSE_MS;
  let sessions = 0;
  let saidAt = performance.now();
  while (performance.now() < deadline) {
    const status = await askStatus(address).catch((error: unknown) => {
      // It has ended: `start` does so when all have left.
      if (error instanceof CommandError && error.code === 'relay-unreachable') return null;
      throw error;
    });
    if (status === null) return 0;
    sessions = status.numbers.sessions;
    if (sessions === 0) return 0;
    if (performance.now() - saidAt >= 1_000) {
      saidAt = performance.now();
      say(`${peers(sessions)} left.`);
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
  return sessions;
}

function peers(count: number): string {
  return count === 1 ? '1 peer' : `${count} peers`;
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}
