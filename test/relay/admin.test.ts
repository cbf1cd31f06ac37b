import { describe, expect, test } from 'vitest';
import { login, startRelay } from '../fixtures/relay.ts';

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

  test('answers GET alone, and knows two paths', async () => {
    const relay = await startRelay({ admin: {} });
    const { url, token } = relay.admin!;
    const bearer = `Bearer ${token}`;
    expect((await ask(`${url}/status`, bearer, 'POST')).status).toBe(405);
    expect((await ask(`${url}/other`, bearer)).status).toBe(404);
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
