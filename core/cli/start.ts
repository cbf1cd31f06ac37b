/** `supernode start`: a relay, until it is told to stop. */
import { isVersionPattern, MOST_PATTERNS, PATTERNS_ALLOWED } from '../overload/version-rules.ts';
import type { Command } from './command.ts';
import { drainOptions } from './drain-flags.ts';
import { EXIT_FAILURE, EXIT_INTERRUPTED, UsageError } from './exit-codes.ts';
import { list, shown, text, wholeNumber } from './flags.ts';
import { bytesPerSec } from './rate.ts';

export const start: Command = {
  name: 'supernode start',
  description: 'Starts a relay, and prints the address that it listens on',
  args: {
    host: { type: 'string', description: 'Address to listen on (default 127.0.0.1)', valueHint: 'HOST' },
    port: { type: 'string', description: 'Port, 0 for any that is free (default 7420)', valueHint: 'PORT' },
    shards: {
      type: 'string',
      description: 'Threads that forward: auto, or a number (default auto: one per core but one)',
      valueHint: 'N',
    },
    'tls-key': {
      type: 'string',
      description: 'Private key, PEM: listens on wss://. With --tls-cert',
      valueHint: 'FILE',
    },
    'tls-cert': { type: 'string', description: 'Certificate chain, PEM. With --tls-key', valueHint: 'FILE' },
    data: {
      type: 'string',
      description:
        "Where the relay's key and its directory are kept: records, names, messages (default: below; with --port 0: nowhere)",
      valueHint: 'DIR',
    },
    'max-logins': {
      type: 'string',
      description:
        'Full logins taken per second; the others are told when to come back (default: as measured)',
      valueHint: 'N',
    },
    'prefix-limits': {
      type: 'string',
      description:
        'on, or off: whether connections are limited per address prefix; off behind a proxy (default on)',
      valueHint: 'on|off',
    },
    'relay-bandwidth': {
      type: 'string',
      description:
        'What peers may send through the relay a second, and it to them, fairly divided: 10MB, 80Mbit (default: no limit)',
      valueHint: 'RATE',
    },
    'admin-port': {
      type: 'string',
      description: 'Port for the operator, on 127.0.0.1 (default: the port after --port)',
      valueHint: 'PORT',
    },
    'refuse-version': {
      type: 'string',
      description:
        'Client versions that may not log in, separated by commas; a * at the end stands for any rest',
      valueHint: 'VERSION[,VERSION]',
    },
    quarantine: {
      type: 'string',
      description:
        'warn, or delay: whether peers of a version that fails far more often than the others also wait before each login (default warn)',
      valueHint: 'warn|delay',
    },
    'drain-grace': {
      type: 'string',
      description: 'On SIGTERM: how long peers with open channels keep them (default 0)',
      valueHint: 'SECONDS',
    },
    'drain-spread': {
      type: 'string',
      description: 'On SIGTERM: over how long peers are sent away (default: 0.5 ms a peer, 1 to 8 s)',
      valueHint: 'SECONDS',
    },
    successor: {
      type: 'string',
      description:
        'On SIGTERM: relays that take the peers over, at most 8, separated by commas (default: none)',
      valueHint: 'URL[,URL]',
    },
    'open-metrics': {
      type: 'boolean',
      description: 'Answer GET /metrics on the admin port without its token',
    },
    json: { type: 'boolean', description: 'Print {"url", "adminUrl", "id", "pid"} as one line of JSON' },
  },
  notes: [
    "Without --data the key and the directory are kept in supernode/relay-PORT in this user's data directory: " +
      '$XDG_DATA_HOME or ~/.local/share; ~/Library/Application Support on macOS; %LOCALAPPDATA% on Windows. With --port 0 ' +
      'they are kept in memory, and end with the relay.',
    'Ctrl-C or SIGTERM sends the peers away, then ends with exit code 0; a second one ends at once. supernode drain does the ' +
      'same from another terminal, with settings of its own.',
    'supernode status asks the admin port. It finds the port and its token in a file that only this user can read, in ' +
      '$XDG_RUNTIME_DIR/supernode or the temporary directory. SUPERNODE_ADMIN_TOKEN sets the token; else it is random.',
  ],
  examples: [
    ['supernode start', 'a relay on ws://127.0.0.1:7420'],
    ['supernode start --host 0.0.0.0 --data /var/lib/supernode', 'for other machines, with its data there'],
    ['supernode start --relay-bandwidth 80Mbit', 'no more than 10 MB/s either way, shared fairly'],
    ['supernode start --port 443 --host :: --tls-key key.pem --tls-cert cert.pem', 'wss://'],
  ],
  exitCodes: [
    [EXIT_FAILURE, 'the relay could not start, such as when the port or the data is in use'],
    [EXIT_INTERRUPTED, 'stopped by a second signal, before its peers were sent away'],
  ],
  async run(values) {
    const shards = text(values, 'shards');
    const key = text(values, 'tls-key');
    const cert = text(values, 'tls-cert');
    if ((key === undefined) !== (cert === undefined)) {
      const [there, missing] = key === undefined ? ['cert', 'key'] : ['key', 'cert'];
      throw new UsageError(`--tls-${there} needs --tls-${missing} as well.`);
    }
    const bandwidth = text(values, 'relay-bandwidth');
    const settings = {
      host: text(values, 'host'),
      port: wholeNumber(values, 'port', 0, 65_535),
      shards: shards === undefined || shards === 'auto' ? ('auto' as const) : shardCount(shards),
      tls: key !== undefined && cert !== undefined ? { key, cert } : undefined,
      relayBandwidth: bandwidth === undefined ? undefined : bytesPerSec('relay-bandwidth', bandwidth),
      data: text(values, 'data'),
      maxLogins: wholeNumber(values, 'max-logins', 1, 1_000_000),
      prefixLimits: onOrOff('prefix-limits', text(values, 'prefix-limits')),
      adminPort: wholeNumber(values, 'admin-port', 0, 65_535),
      adminToken: adminToken(process.env['SUPERNODE_ADMIN_TOKEN']),
      refuseVersions: versionPatterns(list(values, 'refuse-version') ?? []),
      quarantine: quarantine(text(values, 'quarantine')),
      drain: drainOptions(values, 'drain-'),
      openMetrics: values['open-metrics'] === true,
      json: values['json'] === true,
    };
    const { runRelay } = await import('./run-relay.ts');
    return runRelay(settings);
  },
};

function onOrOff(name: string, given: string | undefined): boolean {
  if (given === undefined || given === 'on') return true;
  if (given === 'off') return false;
  throw new UsageError(`--${name} must be on or off, not "${given.slice(0, 60)}".`);
}

function versionPatterns(given: string[]): string[] {
  const wrong = given.find((one) => !isVersionPattern(one));
  const not = given.length > MOST_PATTERNS ? String(given.length) : wrong && `"${shown(wrong)}"`;
  if (not === undefined) return given;
  throw new UsageError(`--refuse-version takes ${PATTERNS_ALLOWED}, not ${not}.`);
}

function quarantine(given: string | undefined): 'warn' | 'delay' {
  if (given === undefined || given === 'warn') return 'warn';
  if (given === 'delay') return 'delay';
  throw new UsageError(`--quarantine must be warn or delay, not "${given.slice(0, 60)}".`);
}

/** The most is the relay's MAX_SHARDS; written here too, so that a wrong flag is told before the relay is loaded. */
function shardCount(given: string): number {
  const count = /^\d{1,2}$/.test(given) ? Number(given) : 0;
  if (count >= 1 && count <= 64) return count;
  throw new UsageError(`--shards must be auto or a whole number from 1 to 64, not "${given.slice(0, 60)}".`);
}

/** Never shown, not even when it is wrong. */
function adminToken(given: string | undefined): string | undefined {
  if (given === undefined || given === '') return undefined;
  if (/^[\x21-\x7e]{16,256}$/.test(given)) return given;
  throw new UsageError('SUPERNODE_ADMIN_TOKEN must be 16 to 256 printable ASCII characters without spaces.');
}
