/** Which relay `status` asks, and with which token. */
import { DEFAULT_PORT } from '../protocol/names.ts';
import { CommandError, EXIT_FAILURE, UsageError } from './exit-codes.ts';
import { type RelayState, readState, readStates, stateDirectory } from './state-file.ts';

export interface AdminAddress {
  /** Such as http://127.0.0.1:7421 */
  url: URL;
  token: string;
}

/** @throws CommandError when there is no such relay, or no token for it. */
export async function findAdmin(given: string | undefined): Promise<AdminAddress> {
  if (given === undefined) return addressOf(await onlyRelay());
  const url = parseUrl(given);
  return url.protocol === 'http:' || url.protocol === 'https:' ? adminAt(url) : addressOf(await relayAt(url));
}

function parseUrl(given: string): URL {
  const url = URL.canParse(given) ? new URL(given) : null;
  if (url !== null && ['ws:', 'wss:', 'http:', 'https:'].includes(url.protocol)) return url;
  throw new UsageError(
    `--url must be ws://127.0.0.1:PORT or http://HOST:PORT (the admin port), not "${given.slice(0, 100)}".`,
  );
}

async function onlyRelay(): Promise<RelayState> {
  const usual = await readState(DEFAULT_PORT);
  if (usual !== undefined) return usual;
  const states = await readStates();
  if (states.length === 1) return states[0]!;
  if (states.length === 0) throw notRunning(`No relay of this user runs here`);
  const urls = states.map(({ url }) => url).sort();
  throw new UsageError(`${states.length} relays run here: choose one with --url, of ${urls.join(', ')}.`);
}

async function relayAt(url: URL): Promise<RelayState> {
  const port = url.port === '' ? (url.protocol === 'wss:' ? 443 : 80) : Number(url.port);
  const state = isHere(url.hostname) ? await readState(port) : await stateOf(url, port);
  if (state !== undefined) return state;
  throw notRunning(`No relay of this user runs at ${url.protocol}//${url.host}`);
}

/** Another machine's relay may have the port of one that runs here: its numbers are not what was asked for. */
async function stateOf(url: URL, port: number): Promise<RelayState | undefined> {
  const state = await readState(port);
  return state !== undefined && new URL(state.url).hostname === url.hostname ? state : undefined;
}

function isHere(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname);
}

async function adminAt(url: URL): Promise<AdminAddress> {
  const fromEnvironment = process.env['SUPERNODE_ADMIN_TOKEN'];
  if (fromEnvironment) return { url, token: fromEnvironment };
  const state = (await readStates()).find(({ adminUrl }) => new URL(adminUrl).host === url.host);
  if (state !== undefined) return { url, token: state.token };
  const message = `There is no token for ${url.protocol}//${url.host}: give the relay's in SUPERNODE_ADMIN_TOKEN.`;
  throw new CommandError(EXIT_FAILURE, 'status-refused', message);
}

function addressOf({ adminUrl, token }: RelayState): AdminAddress {
  return { url: new URL(adminUrl), token };
}

function notRunning(what: string): CommandError {
  const message =
    `${what} (looked in ${stateDirectory()}): start one with supernode start, or give its admin port with ` +
    `--url http://HOST:PORT and SUPERNODE_ADMIN_TOKEN.`;
  return new CommandError(EXIT_FAILURE, 'relay-unreachable', message);
}
