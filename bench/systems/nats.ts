/** nats-server, core NATS only: two peers of a call publish to each other's subject. */
import { InstalledServer } from './installed-server.ts';
import { missingProgram, programFile, programVersion } from './programs.ts';
import { ServerProcess } from './server-process.ts';
import type { System } from './system.ts';

const PROGRAM = 'nats-server';
const START_DEADLINE_MS = 10_000;

export const nats: System = {
  id: 'nats',
  title: 'nats-server',
  dialect: 'nats',
  missing: async () => missingProgram(PROGRAM, 'nats-server'),
  version: () => programVersion(PROGRAM, ['--version']),
  async start({ core }) {
    const server = new ServerProcess({
      name: PROGRAM,
      program: programFile(PROGRAM),
      // Port -1: any that is free. It logs to stderr alone, and keeps nothing on disk without JetStream.
      args: ['--addr', '127.0.0.1', '--port', '-1'],
      core,
      // On one core, threads of Go that take turns on it only cost.
      env: core === null ? {} : { GOMAXPROCS: '1' },
      ipc: false,
    });
    try {
      const address = await server.until(
        'say that it is ready',
        () =>
          server.output.includes('Server is ready')
            ? /client connections on (127\.0\.0\.1:\d+)/.exec(server.output)?.[1]
            : null,
        START_DEADLINE_MS,
      );
      return new InstalledServer(server, address);
    } catch (error) {
      await server.stop();
      throw error;
    }
  },
};
