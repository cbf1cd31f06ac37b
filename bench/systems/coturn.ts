/**
 * coturn, a TURN server, over TCP and over UDP towards its clients. Without authentication, TLS, database and
 * statistics: it does nothing but relay, which is the cheapest that it can be.
 */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { encodeStun, METHOD, newTransactionId } from '../load/turn/stun.ts';
import { InstalledServer } from './installed-server.ts';
import { missingProgram, programFile, programVersion } from './programs.ts';
import { ServerProcess } from './server-process.ts';
import type { StartOptions, System } from './system.ts';

const PROGRAM = 'turnserver';
const HOST = '127.0.0.1';
const START_DEADLINE_MS = 10_000;
const ANSWER_DEADLINE_MS = 100;
/** It cannot be told to take any free port, so one is found for it, and may be taken in between. */
const TRIES = 3;

type Transport = 'tcp' | 'udp';

function argumentsFor(transport: Transport, port: number, core: number | null): string[] {
  return [
    ...['-n', '--listening-ip', HOST, '--relay-ip', HOST, '--listening-port', String(port)],
    ...['--min-port', '49152', '--max-port', '65535'],
    ...['--no-auth', '--allow-loopback-peers', '--no-tls', '--no-dtls', '--no-cli', '--no-rfc5780'],
    transport === 'tcp' ? '--no-udp' : '--no-tcp',
    // It would leave each of these behind.
    ...['--pidfile=/dev/null', '--userdb=:memory:', '--log-file=stdout'],
    ...(core === null ? [] : ['--relay-threads', '1']),
  ];
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, HOST);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

function bindingRequest(): Buffer {
  const transactionId = newTransactionId();
  return encodeStun({ kind: 'request', method: METHOD.binding, transactionId, attributes: [] });
}

async function answersTcp(port: number, signal: AbortSignal): Promise<void> {
  const socket = connect(port, HOST);
  try {
    socket.write(bindingRequest());
    await once(socket, 'data', { signal });
  } finally {
    socket.destroy();
  }
}

async function answersUdp(port: number, signal: AbortSignal): Promise<void> {
  const socket = createSocket('udp4');
  try {
    socket.send(bindingRequest(), port, HOST);
    await once(socket, 'message', { signal });
  } finally {
    socket.close();
  }
}

/** Whether it answers a STUN Binding request now; any answer will do. */
async function answers(transport: Transport, port: number): Promise<boolean> {
  const signal = AbortSignal.timeout(ANSWER_DEADLINE_MS);
  try {
    if (transport === 'tcp') await answersTcp(port, signal);
    else await answersUdp(port, signal);
    return true;
  } catch {
    return false;
  }
}

async function start(transport: Transport, { core }: StartOptions): Promise<InstalledServer> {
  for (let left = TRIES; ; left--) {
    const port = await freePort();
    const server = new ServerProcess({
      name: `coturn (${transport})`,
      program: programFile(PROGRAM),
      args: argumentsFor(transport, port, core),
      core,
      ipc: false,
    });
    try {
      await server.until(
        'answer a Binding request',
        async () => (await answers(transport, port)) || null,
        START_DEADLINE_MS,
      );
      return new InstalledServer(server, `${HOST}:${port}`);
    } catch (error) {
      await server.stop();
      if (left === 1) throw error;
    }
  }
}

function coturn(transport: Transport, ends: 'tcp' | 'tcp-udp' | 'udp', title: string): System {
  return {
    id: `coturn-${ends}`,
    title: `coturn, ${title}`,
    dialect: `turn-${ends}`,
    missing: async () => missingProgram(PROGRAM, 'coturn'),
    version: () => programVersion(PROGRAM, ['--version']),
    start: (options) => start(transport, options),
  };
}

/** See bench/load/turn/turn-dialect.ts for the arrangements. */
export const coturnTcp = coturn('tcp', 'tcp', 'both ends over TCP');
export const coturnTcpUdp = coturn('tcp', 'tcp-udp', 'one end over TCP, the other reached by UDP');
export const coturnUdp = coturn('udp', 'udp', 'one end over UDP, the other reached by UDP');
