import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import { SYSTEMS } from '../../../bench/systems/systems.ts';
import { children, installed, inTime } from './world.ts';

const { nats } = SYSTEMS;

async function client(address: string): Promise<{ socket: Socket; until(text: string): Promise<void> }> {
  const { hostname, port } = new URL(`tcp://${address}`);
  const socket = connect(Number(port), hostname).setEncoding('utf8');
  let heard = '';
  socket.on('data', (text: string) => {
    heard += text;
  });
  const until = async (text: string): Promise<void> => {
    while (!heard.includes(text)) await once(socket, 'data');
  };
  await until('INFO');
  return { socket, until };
}

test('nats-server passes a packet on, says what it uses, and leaves no process', async (context) => {
  await installed(nats, context);
  expect(await nats.version()).toMatch(/^\d+\.\d+\.\d+$/);
  const before = children();
  const system = await nats.start({ core: null, shards: 1 });
  try {
    const idle = await system.usage();
    const [alice, bob] = [await client(system.address), await client(system.address)];
    bob.socket.write('CONNECT {"verbose":false}\r\nSUB bob 1\r\nPING\r\n');
    await inTime('the subscription', bob.until('PONG'));
    alice.socket.write('CONNECT {"verbose":false}\r\nPUB bob 5\r\nhello\r\n');
    await inTime('the packet', bob.until('MSG bob 1 5\r\nhello\r\n'));
    const busy = await system.usage();
    expect(busy.cpuMs).toBeGreaterThan(idle.cpuMs);
    expect(busy.drops).toBeNull();
    expect(await system.collectedRssBytes()).toBeGreaterThan(1e6);
    for (const { socket } of [alice, bob]) socket.destroy();
  } finally {
    await system.stop();
  }
  expect(children()).toEqual(before);
});
