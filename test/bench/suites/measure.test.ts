import { describe, expect, test } from 'vitest';
import { measure } from '../../../bench/suites/measure.ts';
import type { OpenSuite, SuiteDefinition, Work } from '../../../bench/suites/task.ts';

function suiteOf(
  work: Record<string, Work>,
  operations = 1,
): { definition: SuiteDefinition; open: OpenSuite } {
  const tasks = Object.fromEntries(
    Object.keys(work).map((name) => [name, { title: `Do ${name}`, operations, parameters: { bytes: 7 } }]),
  );
  const open = { work, close: async () => {} };
  return { definition: { suite: 'frame', tasks, open: async () => open }, open };
}

/** Tinybench takes a duration that a task returns in place of the clock's. */
const lasting = (ms: number) => ({ overriddenDuration: ms });

describe('measuring tasks', () => {
  test('gives the time of all iterations over the operations in them, which no mean of rates is', async () => {
    let iteration = 0;
    const work: Work = {
      async: false,
      iterate: () => lasting(iteration++ % 2 === 0 ? 1 : 4),
      begin: () => {
        iteration = 0;
      },
    };
    const [sample] = await measure([suiteOf({ read: work }, 1000)], { passMs: 10, passes: 1 });
    expect(sample).toEqual({
      benchmark: 'frame/read',
      suite: 'frame',
      title: 'Do read',
      nsPerOp: 2500,
      operations: 4000,
      parameters: { bytes: 7 },
    });
  });

  test('gives the median of its passes, and does not count the first', async () => {
    const durations = [900, 1, 50, 2];
    let slice = -1;
    const work: Work = {
      async: true,
      iterate: async () => lasting(durations[slice]!) as never,
      begin: () => {
        slice++;
      },
    };
    const [sample] = await measure([suiteOf({ read: work })], { passMs: 1, passes: 3 });
    expect(sample!.nsPerOp).toBe(2e6);
    expect(slice).toBe(3);
  });

  test('lets tasks take turns, every second pass backwards', async () => {
    const order: string[] = [];
    const named = (name: string): Work => ({
      async: false,
      iterate: () => lasting(1),
      begin: () => void order.push(`${name} begins`),
      end: () => void order.push(`${name} ends`),
    });
    await measure([suiteOf({ a: named('a'), b: named('b') })], { passMs: 1, passes: 2 });
    const turns = ['a', 'b', 'b', 'a', 'a', 'b'];
    expect(order).toEqual(turns.flatMap((name) => [`${name} begins`, `${name} ends`]));
  });

  test('waits for an async task before it begins the next iteration', async () => {
    let running = 0;
    let most = 0;
    const iterate = async (): Promise<void> => {
      most = Math.max(most, ++running);
      await new Promise((resolve) => setImmediate(resolve));
      running--;
    };
    await measure([suiteOf({ read: { async: true, iterate } })], { passMs: 1, passes: 1 });
    expect(most).toBe(1);
    expect(running).toBe(0);
  });

  test.each([
    ['sync', false],
    ['async', true],
  ])(
    'a %s task that throws is an error that names it, and its other thread is told to rest',
    async (_, isAsync) => {
      let calls = 0;
      let rests = 0;
      const fail = (): void => {
        if (++calls === 5) throw new Error('The table is wrong.');
      };
      const work = {
        ...(isAsync ? { async: true, iterate: async () => fail() } : { async: false, iterate: fail }),
        end: () => {
          rests++;
        },
      } as Work;
      const run = measure([suiteOf({ read: work })], { passMs: 1, passes: 1 });
      await expect(run).rejects.toThrow('The benchmark frame/read failed: The table is wrong.');
      expect(rests).toBe(1);
    },
  );

  test('a task that is listed and not there is an error', async () => {
    const { definition } = suiteOf({ read: { async: false, iterate: () => {} } });
    const open = { work: {}, close: async () => {} };
    await expect(measure([{ definition, open }], { passMs: 1, passes: 1 })).rejects.toThrow('"read"');
  });
});
