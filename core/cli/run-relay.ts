/** The relay of `supernode start`: its data directory, its state file, its warnings and its end. */
import { statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { makeDirectory } from '../directory/make-directory.ts';
import { defaultDataDirectory, storePath } from '../directory/place.ts';
import type { Identity } from '../identity/identity.ts';
import { createKeyFile, loadIdentity } from '../identity/key-file.ts';
import { SupernodeError } from '../protocol/errors.ts';
import { DEFAULT_PORT } from '../protocol/names.ts';
import type { DrainOptions } from '../relay/drain-options.ts';
import { letHelpersGiveWay } from '../relay/helper-priority.ts';
import { createRelay, type Relay } from '../relay/relay.ts';
import { checkSuccessors } from './drain-flags.ts';
import { CommandError, EXIT_FAILURE, EXIT_INTERRUPTED, EXIT_OK, sentenceOf } from './exit-codes.ts';
import { printText, stderrLine } from './print.ts';
import { removeState, writeState } from './state-file.ts';
import { WarningLines } from './warning-lines.ts';

export interface RelaySettings {
  host: string | undefined;
  port: number | undefined;
  shards: 'auto' | number;
  tls: { key: string; cert: string } | undefined;
  /** Bytes per second. */
  relayBandwidth: number | undefined;
  data: string | undefined;
  maxLogins: number | undefined;
  prefixLimits: boolean;
  adminPort: number | undefined;
  adminToken: string | undefined;
  openMetrics: boolean;
  refuseVersions: string[];
  quarantine: 'warn' | 'delay';
  /** What SIGTERM does. */
  drain: DrainOptions;
  json: boolean;
}

const LARGEST_PORT = 65_535;

/** Resolves with the exit code once the relay was told to stop, and has. */
export async function runRelay(settings: RelaySettings): Promise<number> {
  // Before the relay is there: a signal while it starts must not leave it half started.
  const stopped = new Signals();
  letHelpersGiveWay();
  const relay = await startRelay(settings);
  try {
    // Not when it is needed: then it would be too late to say.
    checkSuccessors(settings.drain.successors, relay.url);
  } catch (error) {
    await relay.close();
    throw error;
  }
  const stateFile = await noteState(relay);
  // Also when something else ends the process: a state file without its relay only misleads.
  process.once('exit', () => removeState(stateFile));
  const warnings = new WarningLines(stderrLine);
  relay.on('warning', ({ code, message }) => warnings.add(code, message));
  await printText(settings.json ? `${JSON.stringify(addressOf(relay))}\n` : `listening on ${relay.url}\n`);
  if (!settings.json) {
    const data = dataDirectory(settings);
    stderrLine(
      data === undefined
        ? 'its key and its directory are kept in memory and end with it; --data DIR keeps them.'
        : `its key and its directory are kept in ${data}.`,
    );
  }
  const asked = new Promise<string>((resolve) => relay.once('draining', () => resolve('drain')));
  const cause = await Promise.race([stopped.first, asked]);
  const { sessions } = relay.stats();
  const peers = sessions === 1 ? '1 peer' : `${sessions} peers`;
  const atOnce = cause === 'drain' ? 'a signal' : 'a second signal';
  stderrLine(`${cause}: sending ${peers} away; ${atOnce} ends at once.`);
  // Already under way when the operator's port was asked.
  stopped.nextEnds();
  await relay.drain(settings.drain);
  await relay.close();
  return EXIT_OK;
}

function addressOf(relay: Relay): { url: string; adminUrl: string | null; id: string; pid: number } {
  return { url: relay.url, adminUrl: relay.admin?.url ?? null, id: relay.id, pid: process.pid };
}

async function startRelay(settings: RelaySettings): Promise<Relay> {
  const {
    openMetrics,
    host,
    port = DEFAULT_PORT,
    shards,
    tls,
    adminToken,
    maxLogins,
    prefixLimits,
    relayBandwidth,
  } = settings;
  const data = dataDirectory(settings);
  const identity = data === undefined ? undefined : await keptIdentity(data);
  const adminPort = settings.adminPort ?? (port === 0 || port === LARGEST_PORT ? 0 : port + 1);
  const admin = { port: adminPort, openMetrics, ...(adminToken === undefined ? {} : { token: adminToken }) };
  try {
    return await createRelay({
      port,
      shards,
      admin,
      admission: {
        ...(maxLogins === undefined ? {} : { maxLoginsPerSec: maxLogins }),
        ...(prefixLimits ? {} : { perPrefix: false as const }),
      },
      directory: data === undefined ? ':memory:' : { path: storePath(data) },
      versions: { refuse: settings.refuseVersions, quarantine: settings.quarantine },
      ...(host === undefined ? {} : { host }),
      ...(relayBandwidth === undefined ? {} : { relayBandwidth }),
      ...(tls === undefined ? {} : { tls }),
      ...(identity === undefined ? {} : { identity }),
    });
  } catch (error) {
    const inUse = error instanceof SupernodeError && error.code === 'address-in-use';
    if (inUse && adminPort !== port && error.message.startsWith(`Port ${adminPort} `)) {
      const message = `The admin port ${adminPort} is in use (EADDRINUSE): choose another with --admin-port.`;
      throw new CommandError(EXIT_FAILURE, 'address-in-use', message, { cause: error });
    }
    throw error;
  }
}

/** Undefined: nothing is kept. A port that was taken at random names no relay to come back. */
function dataDirectory({ data, port = DEFAULT_PORT }: RelaySettings): string | undefined {
  if (data !== undefined) return resolve(data);
  return port === 0 ? undefined : defaultDataDirectory(port);
}

/** The key in the data directory; made the first time. */
async function keptIdentity(directory: string): Promise<Identity> {
  try {
    makeDirectory(directory);
    if (!statSync(directory).isDirectory()) throw new Error('it is a file');
  } catch (cause) {
    const message = `Cannot use ${directory} as the data directory: ${sentenceOf(cause)}.`;
    throw new CommandError(EXIT_FAILURE, 'io', message, { cause });
  }
  const file = join(directory, 'relay.key');
  try {
    return await createKeyFile(file);
  } catch (error) {
    if (error instanceof SupernodeError && error.code === 'key-file-exists') return loadIdentity(file);
    throw error;
  }
}

/** The relay runs without a state file as well: then `status` needs the admin URL and SUPERNODE_ADMIN_TOKEN. */
async function noteState(relay: Relay): Promise<string | undefined> {
  const { admin } = relay;
  if (admin === null) return undefined;
  try {
    return await writeState(relay.port, {
      url: relay.url,
      adminUrl: admin.url,
      token: admin.token,
      pid: process.pid,
      startedAt: Date.now(),
    });
  } catch (error) {
    stderrLine(`supernode status will not find this relay: ${sentenceOf(error)}`);
    return undefined;
  }
}

/** The first signal is for the relay to end in order; the second ends the process. */
class Signals {
  readonly first: Promise<NodeJS.Signals>;

  #asked = false;

  constructor() {
    this.first = new Promise((resolve) => {
      for (const name of ['SIGINT', 'SIGTERM'] as const) {
        process.on(name, () => {
          if (this.#asked) process.exit(EXIT_INTERRUPTED);
          this.#asked = true;
          resolve(name);
        });
      }
    });
  }

  nextEnds(): void {
    this.#asked = true;
  }
}
