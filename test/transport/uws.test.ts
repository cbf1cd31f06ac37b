import { createConnection } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import WebSocket from 'ws';
import { MAX_BUNDLE_BYTES, MAX_SEND_BYTES } from '../../core/protocol/limits.ts';
import { SUBPROTOCOL } from '../../core/protocol/names.ts';
import {
  createAcceptor,
  createShardApp,
  type ShardApp,
  type ShardHandlers,
  type ShardSocket,
  type SocketLimit,
} from '../../core/transport/uws.ts';
import { makeCertificate } from '../fixtures/certificate.ts';
import { until } from '../fixtures/until.ts';

interface Conn {
  socket: ShardSocket<Conn>;
  number: number;
  messages: number;
}

interface Server {
  url: string;
  app: ShardApp;
  conns: Conn[];
  closed: number[];
  /** Why each was closed, if it was for a limit. */
  limits: (SocketLimit | null)[];
  drained: number[];
  faults: { where: string; number: number | undefined; text: string }[];
}

const certificate = await makeCertificate();
const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const clean of cleanups.splice(0)) clean();
});

/** An app in this thread: its sockets come from an acceptor, or with TLS from its own port. */
async function serve(tls: boolean, bad: Partial<ShardHandlers<Conn>> = {}): Promise<Server> {
  const server = { conns: [], closed: [], limits: [], drained: [], faults: [] } as unknown as Server;
  const app = createShardApp<Conn>(
    {
      open(socket, offered) {
        const conn = { socket, number: server.conns.length, messages: 0 };
        server.conns.push(conn);
        bad.open?.(socket, offered);
        return conn;
      },
      message(conn, message, isBinary) {
        conn.messages++;
        bad.message?.(conn, message, isBinary);
        conn.socket.send(new Uint8Array(message), true, false);
      },
      pong() {},
      drain(conn) {
        server.drained.push(conn.number);
        bad.drain?.(conn);
      },
      close(conn, lost, limit) {
        server.closed.push(conn.number);
        server.limits.push(limit);
        bad.close?.(conn, lost, limit);
      },
      fault(where, error, conn) {
        server.faults.push({ where, number: conn?.number, text: String(error) });
        bad.fault?.(where, error, conn);
      },
    },
    tls ? certificate : null,
  );
  server.app = app;
  if (tls) {
    const port = await freePort();
    expect(app.listen('127.0.0.1', port, false)).toBe(true);
    server.url = `wss://127.0.0.1:${port}`;
    cleanups.push(() => app.close());
  } else {
    const acceptor = createAcceptor();
    const descriptor = app.descriptor();
    acceptor.add(descriptor);
    const port = acceptor.listen('127.0.0.1', 0);
    expect(port).toBeGreaterThan(0);
    server.url = `ws://127.0.0.1:${port}`;
    cleanups.push(() => {
      acceptor.stop();
      acceptor.remove(descriptor);
      app.close();
    });
  }
  return server;
}

async function freePort(): Promise<number> {
  const { probePort } = await import('../../core/relay/port.ts');
  return probePort('127.0.0.1', 0);
}

/** A client that echoes are counted for; `ended` resolves when its connection is over. */
async function connect({ url }: Server): Promise<WebSocket & { echoes: number; ended: Promise<void> }> {
  const socket = new WebSocket(url, SUBPROTOCOL, {
    ca: certificate.cert,
    perMessageDeflate: false,
  }) as WebSocket & {
    echoes: number;
    ended: Promise<void>;
  };
  socket.echoes = 0;
  socket.on('message', () => socket.echoes++);
  socket.on('error', () => {});
  socket.ended = new Promise((resolve) => socket.on('close', () => resolve()));
  cleanups.push(() => socket.terminate());
  await new Promise<void>((resolve) => socket.once('open', () => resolve()).once('close', () => resolve()));
  return socket;
}

async function echoes(socket: Awaited<ReturnType<typeof connect>>): Promise<void> {
  const before = socket.echoes;
  socket.send(new Uint8Array(3));
  await until('the echo came', () => socket.echoes > before);
}

const thrower = (when: (conn: Conn) => boolean) => (conn: Conn) => {
  if (when(conn)) throw new Error('injected');
};

describe.each([
  ['plain', false],
  ['TLS', true],
])('over %s, an exception costs one socket when it is thrown by', (_name, tls) => {
  test('open', async () => {
    let opens = 0;
    const server = await serve(tls, {
      open: () => {
        if (++opens === 2) throw new Error('injected');
        return null as never;
      },
    });
    const [a, b, c] = [await connect(server), await connect(server), await connect(server)];
    await b.ended;
    await echoes(a);
    await echoes(c);
    expect(server.faults).toEqual([{ where: 'open', number: undefined, text: 'Error: injected' }]);
    // It never had a session, so none is closed.
    expect(server.closed).toEqual([]);
  });

  test('message, and the session is told of before its close', async () => {
    const server = await serve(tls, {
      message: thrower(({ number, messages }) => number === 1 && messages === 2),
    });
    const [a, b, c] = [await connect(server), await connect(server), await connect(server)];
    await echoes(b);
    b.send(new Uint8Array(3));
    await b.ended;
    await echoes(a);
    await echoes(c);
    expect(server.faults).toEqual([{ where: 'message', number: 1, text: 'Error: injected' }]);
    expect(server.closed).toEqual([1]);
  });

  test('close', async () => {
    const server = await serve(tls, { close: thrower(({ number }) => number === 1) });
    const [a, b, c] = [await connect(server), await connect(server), await connect(server)];
    b.close();
    await b.ended;
    c.terminate();
    await until('both are closed', () => server.closed.length === 2);
    await echoes(a);
    await echoes(await connect(server));
    expect(server.faults).toEqual([{ where: 'close', number: undefined, text: 'Error: injected' }]);
  });

  test('drain', async () => {
    const server = await serve(tls, { drain: thrower(({ number }) => number === 1) });
    const [a, b, c] = [await connect(server), await connect(server), await connect(server)];
    for (const [client, number] of [
      [b, 1],
      [c, 2],
    ] as const) {
      client.pause();
      const { socket } = server.conns[number]!;
      for (let i = 0; i < 2_000 && socket.getBufferedAmount() === 0; i++)
        socket.send(new Uint8Array(65_536), true, false);
      expect(socket.getBufferedAmount()).toBeGreaterThan(0);
      client.resume();
    }
    await b.ended;
    await until('the other was drained', () => server.drained.includes(2));
    await echoes(a);
    await echoes(c);
    expect(server.faults).toEqual([{ where: 'drain', number: 1, text: 'Error: injected' }]);
  });

  test('fault itself, or everything', async () => {
    const always = (): never => {
      throw new Error('injected');
    };
    const server = await serve(tls, { message: always, close: always, drain: always, fault: always });
    for (let i = 0; i < 5; i++) {
      const client = await connect(server);
      client.send(new Uint8Array(3));
      await client.ended;
    }
    await until('all have closed', () => server.closed.length === 5);
    expect(server.faults.length).toBe(10);
  });

  test('a handler that touches a socket which is closed', async () => {
    const server = await serve(tls, { close: ({ socket }) => void socket.getBufferedAmount() });
    const [a, b] = [await connect(server), await connect(server)];
    b.terminate();
    await until('it is closed', () => server.closed.length === 1);
    await echoes(a);
    expect(server.faults.length).toBe(1);
  });
});

describe('a socket', () => {
  test('takes a bundle of the largest size, and ends with one byte more', async () => {
    const server = await serve(false);
    const [a, b] = [await connect(server), await connect(server)];
    a.send(new Uint8Array(MAX_BUNDLE_BYTES));
    await until('it came back', () => a.echoes === 1);
    b.send(new Uint8Array(MAX_BUNDLE_BYTES + 1));
    await b.ended;
    await echoes(a);
    expect(server.faults).toEqual([]);
    expect(server.limits).toEqual(['oversized']);
  });

  test('that is pinged without end by a peer that does not read costs no more than two sends', async () => {
    const server = await serve(false);
    const client = await connect(server);
    const { socket } = server.conns[0]!;
    client.pause();
    const ping = new Uint8Array(125);
    // 64 MiB: many times what the kernel's buffers take.
    for (let sent = 0; sent < 512; sent++) {
      for (let i = 0; i < 1_024; i++) client.ping(ping);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await until('all pings were read', () => client.bufferedAmount === 0);
    expect(socket.getBufferedAmount()).toBeGreaterThan(MAX_SEND_BYTES);
    expect(socket.getBufferedAmount()).toBeLessThan(3 * MAX_SEND_BYTES);
    client.resume();
    await until('all of it was read', () => socket.getBufferedAmount() === 0);
    await echoes(client);
  });

  test('of rubbish instead of HTTP is closed, and costs nothing', async () => {
    const server = await serve(false);
    const { port } = new URL(server.url);
    const rubbish = [
      '\0\0\0\0',
      'GET / HTTP/1.1\r\n\r\n',
      'x'.repeat(70_000),
      'GET /\r\nUpgrade: websocket\r\n\r\n',
    ];
    await Promise.all(
      rubbish.map(
        (text) =>
          new Promise<void>((resolve) => {
            const raw = createConnection(Number(port), '127.0.0.1', () => raw.end(text));
            raw.on('error', () => {});
            raw.on('data', () => raw.end());
            raw.on('close', () => resolve());
          }),
      ),
    );
    await echoes(await connect(server));
    expect(server.faults).toEqual([]);
  });
});

test('an acceptor does not share its port with a second one', () => {
  const first = createAcceptor();
  const port = first.listen('127.0.0.1', 0);
  expect(port).toBeGreaterThan(0);
  expect(createAcceptor().listen('127.0.0.1', port)).toBe(0);
  first.stop();
  const third = createAcceptor();
  expect(third.listen('127.0.0.1', port)).toBe(port);
  third.stop();
});
