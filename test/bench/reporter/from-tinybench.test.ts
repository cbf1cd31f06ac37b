import { Bench } from 'tinybench';
import { describe, expect, it } from 'vitest';
import { casesToTable, fromTinybench, parseResult } from '../../../bench/reporter/index.ts';
import { minimalResult } from './fixtures/minimal-result.ts';

/** A clock of our own makes the figures exact: each look at it is 1 ms later. */
function bench(...names: string[]): Bench {
  let ms = 0;
  const options = { now: () => ms++, iterations: 10, time: 0, warmup: false, retainSamples: true };
  const made = new Bench(options);
  for (const name of names) made.add(name, () => {}, { async: false });
  return made;
}

describe('tasks of tinybench', () => {
  it('become cases, by operations over time', async () => {
    const ran = bench('read, 160 bytes');
    await ran.run();
    const [one] = fromTinybench(ran, { suite: 'frame', operations: 1000 });
    expect(one).toMatchObject({
      id: 'frame/read-160-bytes@supernode',
      suite: 'frame',
      title: 'read, 160 bytes',
    });
    // 1 ms for 1,000 operations.
    expect(one!.metrics.map(({ name, primary, samples }) => [name, primary, samples])).toEqual([
      ['timePerOp', true, [1000]],
      ['throughput', false, [1e6]],
    ]);
    expect(one!.latency).toMatchObject({ count: 10, p50: 1, max: 1 });
    expect(() => parseResult(minimalResult({ cases: [one!] }))).not.toThrow();
    expect(casesToTable([one!], [], { color: false })).toContain('1000 ns/op');
  });

  it('have a sample for each bench', async () => {
    const ran = [bench('a', 'b'), bench('a', 'b'), bench('a', 'b')];
    for (const each of ran) await each.run();
    const cases = fromTinybench(ran, { suite: 'ring', system: 'other' });
    expect(cases.map(({ id, rounds, metrics }) => [id, rounds.length, metrics[0]!.samples.length])).toEqual([
      ['ring/a@other', 3, 3],
      ['ring/b@other', 3, 3],
    ]);
  });

  it('that did not finish are refused, each for its reason', async () => {
    expect(() => fromTinybench(bench('early'), { suite: 'x' })).toThrow(
      'Task "early" has not run (it is not-started)',
    );
    const failing = bench();
    failing.add('broken', () => {
      throw new Error('no such frame');
    });
    await failing.run();
    expect(() => fromTinybench(failing, { suite: 'x' })).toThrow('Task "broken" failed: no such frame');
    const stop = new AbortController();
    const aborted = new Bench({ signal: stop.signal, iterations: 5, time: 0, warmup: false });
    aborted.add('cut short', () => stop.abort(), { async: false });
    await aborted.run();
    expect(() => fromTinybench(aborted, { suite: 'x' })).toThrow('Task "cut short" was aborted');
  });

  it('need names that differ, in every bench', async () => {
    const same = bench('a b', 'a, b');
    await same.run();
    expect(() => fromTinybench(same, { suite: 'x' })).toThrow('Two tasks would both be named "x/a-b"');
    const [one, other] = [bench('a'), bench('b')];
    await one.run();
    await other.run();
    expect(() => fromTinybench([one, other], { suite: 'x' })).toThrow('Task "a" is not in every bench');
  });
});
