import { once } from 'node:events';
import { request } from 'node:http';
import { connect as connectTcp } from 'node:net';
import { describe, expect, test } from 'vitest';
import { AdminRefusal, type AdminRoute } from '../../core/relay/admin/routes.ts';
import { startAdmin } from '../../core/relay/admin/server.ts';
import { limit } from '../fixtures/limits.ts';
import { REALTIME, sendOn } from '../fixtures/raw-peer.ts';
import { login, startRelay } from '../fixtures/relay.ts';
import { until } from '../fixtures/until.ts';

const ask = (url: string, token?: string, method = 'GET'): Promise<Response> =>
  fetch(url, { method, headers: token === undefined ? {} : { authorization: token } });

describe("the operator's port", () => {
  test('is not there unless it is asked for', async () => {
    expect((await startRelay()).admin).toBe(null);
    expect((await startRelay({ admin: false })).admin).toBe(null);
  });

  test('says to anyone that the relay is up, and its numbers to whoever has the token', async () => {
    const relay = await startRelay({ shards: 2, admin: {} });
    await login(relay);
    const { url, token } = relay.admin!;
    expect(await (await ask(`${url}/healthz`)).json()).toEqual({ status: 'ok' });
    const response = await ask(`${url}/status`, `Bearer ${token}`);
    expect(response.status).toBe(200);
    const status = (await response.json()) as Record<string, unknown>;
    expect(status).toMatchObject({ id: relay.id, url: relay.url, state: 'open', sessions: 1, faults: 0 });
    expect(status['shards']).toHaveLength(2);
  });

  test('tells nothing without the token, with another, or with a part of it', async () => {
    const relay = await startRelay({ admin: { token: 'sixteen characters at least' } });
    const { url, token } = relay.admin!;
    expect(token).toBe('sixteen characters at least');
    const wrong = [
      undefined,
      '',
      'Bearer',
      'Bearer ',
      `Bearer ${token.slice(1)}`,
      `Bearer ${token}x`,
      token,
      `bearer ${token}`,
    ];
    for (const header of wrong) {
      const response = await ask(`${url}/status`, header);
      expect(response.status, header).toBe(401);
      expect(await response.text()).not.toContain('sessions');
    }
  });

  test('answers GET and HEAD, and says what there is', async () => {
    const relay = await startRelay({ admin: {} });
    const { url, token } = relay.admin!;
    const bearer = `Bearer ${token}`;
    const posted = await ask(`${url}/status`, bearer, 'POST');
    expect([posted.status, posted.headers.get('allow')]).toEqual([405, 'GET']);
    const other = await ask(`${url}/other`, bearer);
    expect(other.status).toBe(404);
    expect(await other.text()).toContain('/readyz');
    const head = await ask(`${url}/status`, bearer, 'HEAD');
    expect([head.status, await head.text()]).toEqual([200, '']);
    expect((await ask(`${url}/status?json`, bearer)).status).toBe(200);
  });

  test('is gone when the relay is closed, also with a client that keeps its connection', async () => {
    const relay = await startRelay({ admin: {} });
    const { url } = relay.admin!;
    await ask(`${url}/healthz`);
    await relay.close();
    await expect(ask(`${url}/healthz`)).rejects.toThrow();
  });
});

describe('whether a relay is ready', () => {
  test('is told to anyone: yes while it takes peers, and why not while it leaves', async () => {
    const relay = await startRelay({ admin: {} });
    const { url } = relay.admin!;
    const ready = await ask(`${url}/readyz`);
    expect([ready.status, await ready.json()]).toEqual([200, { status: 'ready' }]);
    const peer = await login(relay);
    const drained = relay.drain({ graceMs: 0, spreadMs: 0 });
    const leaving = await ask(`${url}/readyz`);
    expect(leaving.status).toBe(503);
    expect(await leaving.json()).toEqual({ status: 'not-ready', because: ['draining'] });
    expect((await ask(`${url}/healthz`)).status).toBe(200);
    await peer.ended;
    await drained;
  });

  test('is no when it has the peers that it has room for', async () => {
    const relay = await startRelay({ admin: {}, maxPeers: 1 });
    await login(relay);
    const full = await ask(`${relay.admin!.url}/readyz`);
    expect([full.status, await full.json()]).toEqual([503, { status: 'not-ready', because: ['full'] }]);
  });
});

describe('metrics', () => {
  const scrape = async (url: string, bearer?: string): Promise<Map<string, number>> => {
    const response = await ask(`${url}/metrics`, bearer);
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toContain('text/plain; version=0.0.4');
    const lines = (await response.text()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    return new Map(
      lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.split(' ').at(-1))]),
    );
  };

  test('are for whoever has the token, and count what peers do by class', async () => {
    const relay = await startRelay({ shards: 2, admin: {} });
    const { url, token } = relay.admin!;
    expect((await ask(`${url}/metrics`)).status).toBe(401);
    const [ann, bob] = [await login(relay), await login(relay)];
    const [end] = await ann.open(bob, { ...REALTIME, priority: 3 });
    for (let sent = 0; sent < 5; sent++) sendOn(end, new Uint8Array(100));
    await until('all have come', () => bob.data.length === 5);
    const metrics = await scrape(url, `Bearer ${token}`);
    expect(
      metrics.get('supernode_sessions{shard="0"}')! + metrics.get('supernode_sessions{shard="1"}')!,
    ).toBe(2);
    for (const direction of ['in', 'out']) {
      expect(metrics.get(`supernode_frames_total{direction="${direction}",class="video"}`)).toBe(5);
      expect(metrics.get(`supernode_bytes_total{direction="${direction}",class="video"}`)).toBe(5 * 109);
      expect(metrics.get(`supernode_frames_total{direction="${direction}",class="audio"}`)).toBe(0);
    }
    expect(metrics.get('supernode_ready')).toBe(1);
    expect(metrics.get('supernode_logins_total{kind="full"}')).toBe(2);
    expect(metrics.get('supernode_logins_refused_total{reason="busy"}')).toBe(0);
    expect(metrics.get('supernode_upgrades_refused_total{reason="full"}')).toBe(0);
    expect(metrics.get('supernode_admission_pending')).toBe(0);
    expect(metrics.get('supernode_admission_logins_per_second')).toBeGreaterThan(0);
    expect(metrics.get('supernode_login_wait_seconds{quantile="0.99"}')).toBeGreaterThan(0);
    const sends = relay.stats().sends.reduce((sum, count) => sum + count, 0);
    expect(sends).toBeGreaterThan(0);
    expect(metrics.get('supernode_frames_per_send_count')).toBe(sends);
    expect(metrics.get('supernode_frames_per_send_bucket{le="+Inf"}')).toBe(sends);
    for (const name of ['process_resident_memory_bytes', 'process_open_fds', 'process_max_fds']) {
      expect(metrics.get(name), name).toBeGreaterThan(0);
    }
    for (const thread of ['main', 'shard-0', 'shard-1']) {
      expect(metrics.get(`supernode_loop_lag_seconds{thread="${thread}"}`)).toBeGreaterThanOrEqual(0);
    }
  });

  test('are open on a loopback address when the operator says so, and never on another', async () => {
    const relay = await startRelay({ admin: { openMetrics: true } });
    expect((await scrape(relay.admin!.url)).get('supernode_ready')).toBe(1);
    expect((await ask(`${relay.admin!.url}/status`)).status).toBe(401);
    await expect(startRelay({ admin: { host: '0.0.0.0', openMetrics: true } })).rejects.toThrow(
      'admin.openMetrics',
    );
  });

  test('of two relays in one process are apart', async () => {
    const [one, two] = [
      await startRelay({ admin: { openMetrics: true } }),
      await startRelay({ admin: { openMetrics: true } }),
    ];
    await login(one);
    expect((await scrape(one.admin!.url)).get('supernode_sessions{shard="0"}')).toBe(1);
    expect((await scrape(two.admin!.url)).get('supernode_sessions{shard="0"}')).toBe(0);
  });
});

describe('the port against strangers', () => {
  const routes: AdminRoute[] = [
    {
      method: 'GET',
      path: '/open',
      open: true,
      answer: () => ({ code: 200, text: 'open', type: 'text/plain' }),
    },
    { method: 'POST', path: '/do', open: false, answer: ({ body }) => ({ code: 200, body: { got: body } }) },
    {
      method: 'GET',
      path: '/broken',
      open: true,
      answer: () => {
        throw new Error('no such luck');
      },
    },
    {
      method: 'GET',
      path: '/refused',
      open: true,
      answer: () => Promise.reject(new AdminRefusal(409, 'not now')),
    },
  ];
  const withPort = async (
    use: (url: string, bearer: string) => Promise<void>,
    host = '127.0.0.1',
  ): Promise<void> => {
    const admin = await startAdmin({ host }, routes);
    try {
      await use(admin.url, `Bearer ${admin.token}`);
    } finally {
      await admin.close();
    }
  };
  const get = async (url: string, headers: Record<string, string>): Promise<number> => {
    const asked = request(url, { headers });
    asked.end();
    const [response] = await once(asked, 'response');
    response.resume();
    return response.statusCode;
  };

  test('answers to names of this machine alone, but for those who have the token', () =>
    withPort(async (url, bearer) => {
      for (const host of ['localhost', 'LOCALHOST:80', '127.0.0.1', '127.9.9.9:1', '[::1]:7421']) {
        expect(await get(`${url}/open`, { host }), host).toBe(200);
      }
      for (const host of [
        'evil.example',
        'localhost.evil.example',
        '127.0.0.1.evil.example:80',
        '10.0.0.1',
        ':80',
      ]) {
        expect(await get(`${url}/open`, { host }), host).toBe(421);
        expect(await get(`${url}/open`, { host, authorization: bearer }), host).toBe(200);
      }
    }));

  test('lets the operator choose the names of an address that others reach', () =>
    withPort(async (url) => {
      const { port } = new URL(url);
      expect(await get(`http://127.0.0.1:${port}/open`, { host: 'relay.example' })).toBe(200);
    }, '0.0.0.0'));

  test('answers no page of a browser', () =>
    withPort(async (url, bearer) => {
      expect(await get(`${url}/open`, { origin: 'https://evil.example' })).toBe(403);
      expect(await get(`${url}/open`, { origin: 'null', authorization: bearer })).toBe(403);
    }));

  test('takes JSON of a bounded size, with the token', () =>
    withPort(async (url, bearer) => {
      const post = (body: string, authorization = bearer): Promise<Response> =>
        fetch(`${url}/do`, { method: 'POST', body, headers: { authorization } });
      expect(await (await post('{"a":1}')).json()).toEqual({ got: { a: 1 } });
      expect(await (await post('')).json()).toEqual({});
      expect((await post('{')).status).toBe(400);
      expect((await post(JSON.stringify('x'.repeat(17_000)))).status).toBe(413);
      expect((await post('{}', 'Bearer wrong')).status).toBe(401);
      expect((await fetch(`${url}/open`)).headers.get('access-control-allow-origin')).toBe(null);
    }));

  test('says what went wrong in it, and goes on', () =>
    withPort(async (url) => {
      expect(await (await ask(`${url}/broken`)).json()).toEqual({
        error: 'The relay could not answer: no such luck',
      });
      expect((await ask(`${url}/refused`)).status).toBe(409);
      expect((await ask(`${url}/open`)).status).toBe(200);
    }));

  test(
    'lets nobody hold a connection by sending nothing, or slowly, or too long a head',
    () =>
      withPort(async (url) => {
        const { hostname, port } = new URL(url);
        const silent = connectTcp(Number(port), hostname);
        const slow = connectTcp(Number(port), hostname);
        const long = connectTcp(Number(port), hostname);
        slow.write('GET /open HTTP/1.1\r\nHost: localhost\r\nX-Slow: ');
        const drip = setInterval(() => slow.write('a'), 500);
        long.write(`GET /open HTTP/1.1\r\nHost: localhost\r\nX-Long: ${'a'.repeat(20_000)}\r\n\r\n`);
        const ended = [silent, slow, long].map(async (socket) => {
          socket.on('error', () => {});
          let text = '';
          socket.on('data', (bytes) => {
            text += bytes;
          });
          await once(socket, 'close');
          return text.split('\r\n')[0];
        });
        const [, slowly, tooLong] = await Promise.all(ended);
        clearInterval(drip);
        expect(tooLong).toContain('431');
        limit('time for a request; silence').sees({ answers: [`HTTP ${/ (\d{3}) /.exec(slowly!)?.[1]}`] });
      }),
    20_000,
  );
});
