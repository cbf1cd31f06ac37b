import { describe, expect, test, vi } from 'vitest';
import { consume, swallowedSoFar } from '../../../bench/suites/blackhole.ts';
import { MICRO_SUITES } from '../../../bench/suites/suite.ts';
import { built } from './built.ts';

// Before the suites are read: signing a million records would take minutes. Not as many as in another file: the store that they
// are kept in is one relay's at a time.
vi.hoisted(() => {
  process.env['SUPERNODE_BENCH_RECORDS'] = '900';
  process.env['SUPERNODE_BENCH_PEERS'] = '1000';
});

describe('the blackhole', () => {
  test('depends on every value and on their order', () => {
    const states = new Set([swallowedSoFar()]);
    for (const value of [0, 0, 1, -1, 2 ** 32 - 1]) {
      consume(value);
      states.add(swallowedSoFar());
    }
    expect(states.size).toBe(6);
  });

  test.each(MICRO_SUITES)('swallows something in every iteration of every task of %s', async (suite) => {
    const { suitesNamed } =
      await built<typeof import('../../../bench/suites/catalogue.ts')>('bench/suites/catalogue');
    const hole = await built<typeof import('../../../bench/suites/blackhole.ts')>('bench/suites/blackhole');
    const [definition] = suitesNamed([suite]);
    const open = await definition!.open({ core: null, loadCore: null });
    try {
      for (const [name, work] of Object.entries(open.work)) {
        await work.begin?.();
        for (let i = 0; i < 2; i++) {
          const before = hole.swallowedSoFar();
          await work.iterate();
          expect(hole.swallowedSoFar(), name).not.toBe(before);
        }
        await work.end?.();
      }
    } finally {
      await open.close();
    }
  });
});
