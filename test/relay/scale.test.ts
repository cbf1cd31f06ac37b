import { describe, expect, test } from 'vitest';
import { login, startRelay } from '../fixtures/relay.ts';
import { runScript } from '../fixtures/run-script.ts';
import { until } from '../fixtures/until.ts';

const COUNT = process.env['SUPERNODE_SOAK'] ? 10_000 : 1_000;

describe.each([1, 2, 4])('a relay of %i shards', (shards) => {
  test(`holds ${COUNT} peers at once, all of which can talk, and nothing of them when they are gone`, async () => {
    const relay = await startRelay({ shards });
    const crowd = runScript('crowd.mjs', [{ url: relay.url, count: COUNT }]);
    expect(await crowd.line('in ')).toBe(String(COUNT));
    const stats = relay.stats();
    expect({ sessions: stats.sessions, sockets: stats.sockets, full: stats.logins.full }).toEqual({
      sessions: COUNT,
      sockets: COUNT,
      full: COUNT,
    });
    // The kernel deals connections out by a hash: a binomial distribution, and six of its standard deviations.
    const spread = 6 * Math.sqrt((COUNT / shards) * (1 - 1 / shards));
    for (const shard of stats.shards) {
      expect(Math.abs(shard.sessions - COUNT / shards)).toBeLessThanOrEqual(spread);
    }
    const newcomer = await login(relay);
    await newcomer.roundTrip();
    crowd.send('talk');
    expect(await crowd.line('talked ')).toBe(`${COUNT / 2} lost 0`);
    expect(relay.stats()).toMatchObject({ channelEnds: COUNT, channelsOpened: COUNT / 2 });
    crowd.kill('SIGKILL');
    await crowd.outcome;
    await until('only the newcomer is left', () => relay.stats().sockets === 1, 60_000);
    expect(relay.stats()).toMatchObject({ sessions: 1, channelEnds: 0, faults: 0 });
    await newcomer.roundTrip();
  });
});
