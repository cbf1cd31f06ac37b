import { spawn } from 'node:child_process';
import { expect, test } from 'vitest';
import { ServerProcess } from '../../../bench/systems/server-process.ts';
import { until } from '../../fixtures/until.ts';
import { children } from './world.ts';

function script(code: string): ConstructorParameters<typeof ServerProcess>[0] {
  return { name: 'script', program: process.execPath, args: ['-e', code], core: null, ipc: false };
}

const STUBBORN = `process.on('SIGTERM', () => {}); setInterval(() => {}, 1000); console.log('up', process.pid);`;

test('a server that does not heed SIGTERM is ended all the same', async () => {
  const before = children();
  const server = new ServerProcess(script(STUBBORN));
  await server.until('come up', () => server.output.includes('up') || null, 15_000);
  await server.stop();
  expect(children()).toEqual(before);
  expect(() => server.pid).toThrow('script was ended by SIGKILL');
});

test('a server that ends by itself is told with its exit code and what it printed last', async () => {
  const server = new ServerProcess(script(`console.error('no room left'); process.exitCode = 3;`));
  await expect(server.until('come up', () => null, 15_000)).rejects.toThrow(
    /^script ended with exit code 3: no room left\.$/,
  );
  await server.stop();
});

test('a program that is not there is told by name', async () => {
  const server = new ServerProcess({ ...script(''), program: '/nowhere/a-server', ipc: true });
  await expect(server.until('come up', () => null, 15_000)).rejects.toThrow(
    /did not start: .*\/nowhere\/a-server/,
  );
  await server.stop();
});

test('a server that says nothing is given up at the deadline', async () => {
  const server = new ServerProcess(script('setInterval(() => {}, 1000);'));
  await expect(server.until('come up', () => null, 20)).rejects.toThrow('script did not come up in 20 ms.');
  await server.stop();
});

test.runIf(process.platform === 'linux')('no server outlives a run that was killed', async () => {
  const module = new URL('../../../dist/bench/systems/server-process.js', import.meta.url).href;
  const code = `
    import { ServerProcess } from ${JSON.stringify(module)};
    const server = new ServerProcess(${JSON.stringify(script(STUBBORN))});
    await server.until('come up', () => server.output.includes('up') || null, 15_000);
    console.log(server.pid);
  `;
  const run = spawn(process.execPath, ['--input-type=module', '-e', code], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let printed = '';
  run.stdout.setEncoding('utf8').on('data', (text: string) => {
    printed += text;
  });
  await until('the server is up', () => printed.includes('\n'));
  const pid = Number(printed);
  expect(alive(pid)).toBe(true);
  run.kill('SIGKILL');
  await until('the server is gone', () => !alive(pid));
});

test.runIf(process.platform === 'linux')('a relay ends whose run was killed before it was up', async () => {
  const relay = new URL('../../../dist/bench/systems/relay-process.js', import.meta.url).pathname;
  const code = `
    import { fork } from 'node:child_process';
    console.log(fork(${JSON.stringify(relay)}, ['1']).pid);
    setInterval(() => {}, 1_000);
  `;
  const run = spawn(process.execPath, ['--input-type=module', '-e', code], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let printed = '';
  run.stdout.setEncoding('utf8').on('data', (text: string) => {
    printed += text;
  });
  await until('the relay starts', () => printed.includes('\n'));
  run.kill('SIGKILL');
  await until('the relay is gone', () => !alive(Number(printed)));
});

function alive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
