import { afterEach, describe, expect, test, vi } from 'vitest';
import { LoginSlices } from '../../workers/shard/login-slices.ts';

/** A clock and an event loop that go as the test says. */
class World {
  now = 1_000;
  readonly turns: (() => void)[] = [];
  readonly done: string[] = [];
  readonly shed: { item: string; retryAfterMs: number }[] = [];
  costMs = 0.1;
  shedCostMs = 0;
  slices: LoginSlices<string>;

  constructor() {
    vi.spyOn(performance, 'now').mockImplementation(() => this.now);
    vi.spyOn(globalThis, 'setImmediate').mockImplementation(((turn: () => void) =>
      this.turns.push(turn)) as never);
    this.slices = new LoginSlices<string>(
      (item) => {
        this.done.push(item);
        this.now += this.costMs;
        if (item === 'throws') throw new Error('as it was told');
      },
      (item, retryAfterMs) => {
        this.shed.push({ item, retryAfterMs });
        this.now += this.shedCostMs;
      },
    );
  }

  turn(): void {
    this.turns.shift()?.();
  }
}

afterEach(() => {
  vi.restoreAllMocks();
});

describe('slices of login work', () => {
  test('take half a millisecond of a turn, verdicts first, then resumes, then the others', () => {
    const world = new World();
    for (let k = 0; k < 4; k++) world.slices.add(`other ${k}`, 'other');
    for (let k = 0; k < 4; k++) world.slices.add(`resume ${k}`, 'resume');
    for (let k = 0; k < 4; k++) world.slices.add(`verdict ${k}`, 'verdict');
    expect(world.turns).toHaveLength(1);
    world.turn();
    expect(world.done).toHaveLength(5);
    world.turn();
    world.turn();
    expect(world.done.map((item) => item.split(' ')[0])).toEqual([
      ...Array(4).fill('verdict'),
      ...Array(4).fill('resume'),
      ...Array(4).fill('other'),
    ]);
    expect(world.done.slice(8)).toEqual(['other 0', 'other 1', 'other 2', 'other 3']);
    expect(world.turns).toHaveLength(0);
  });

  test('do at once what comes when nothing waits, a slice of it a turn, and the rest in its turn', () => {
    const world = new World();
    for (let k = 0; k < 8; k++) world.slices.addOrDo(`resume ${k}`, 'resume');
    expect(world.done).toEqual(['resume 0', 'resume 1', 'resume 2', 'resume 3', 'resume 4']);
    expect(world.turns).toHaveLength(1);
    world.slices.add('verdict', 'verdict');
    world.turn();
    expect(world.done.slice(5)).toEqual(['verdict', 'resume 5', 'resume 6', 'resume 7']);
    // Behind something that waits nothing is done sooner.
    world.slices.add('other', 'other');
    world.slices.addOrDo('resume 8', 'resume');
    expect(world.done).toHaveLength(9);
    world.turn();
    expect(world.done.slice(9)).toEqual(['resume 8', 'other']);
    world.slices.addOrDo('resume 9', 'resume');
    expect(world.done.at(-1)).toBe('resume 9');
  });

  test('tell of what throws at once where it came from, and count its time', () => {
    const world = new World();
    world.costMs = 0.3;
    expect(() => world.slices.addOrDo('throws', 'resume')).toThrow('as it was told');
    world.slices.addOrDo('a', 'resume');
    world.slices.addOrDo('b', 'resume');
    expect(world.done).toEqual(['throws', 'a']);
    world.turn();
    expect(world.done).toEqual(['throws', 'a', 'b']);
  });

  test('done at once count for the rate as the others do', () => {
    const rateOf = (how: 'add' | 'addOrDo'): number => {
      const world = new World();
      for (let k = 0; k < 20_000; k++) {
        world.slices[how]('resume', 'resume');
        world.turn();
      }
      expect(world.done).toHaveLength(20_000);
      return world.slices.perSec;
    };
    expect(rateOf('addOrDo')).toBeCloseTo(rateOf('add'), -2);
  });

  test('go on after one that throws', () => {
    const world = new World();
    for (const item of ['a', 'throws', 'b']) world.slices.add(item, 'other');
    expect(() => world.turn()).toThrow('as it was told');
    world.turn();
    expect(world.done).toEqual(['a', 'throws', 'b']);
  });

  test('shed what waited for half a second, and under a load that stays serve the newest first', () => {
    const world = new World();
    let added = 0;
    // Each turn brings ten and does five; a turn takes 10 ms, with what else a shard does.
    for (let k = 0; k < 300; k++) {
      for (let n = 0; n < 10; n++) world.slices.add(`${world.now} ${added++}`, 'other');
      world.turn();
      world.now += 9.5;
    }
    const last = world.done.slice(-20).map((item) => Number(item.split(' ')[0]));
    // The newest: of this turn or the one before.
    expect(world.now - Math.min(...last)).toBeLessThan(50);
    expect(world.shed.length).toBeGreaterThan(1_000);
    expect(world.slices.size).toBeLessThan(100);
    expect(world.done.length + world.shed.length + world.slices.size).toBe(added);
    // Told to come back one after the other, at about the rate at which they are done, 500 a second.
    const waits = world.shed.map(({ retryAfterMs }) => retryAfterMs);
    expect(Math.min(...waits)).toBeGreaterThan(0);
    expect(Math.max(...waits)).toBeGreaterThan(200);
  });

  test('take as long when a thousand are refused at once, and go on with the others meanwhile', () => {
    const world = new World();
    world.shedCostMs = 0.1;
    for (let k = 0; k < 1_000; k++) world.slices.add(`old ${k}`, 'other');
    world.now += 1_001;
    for (let k = 0; k < 100; k++) world.slices.add(`new ${k}`, 'other');
    let longest = 0;
    let shedMeanwhile = 0;
    while (world.turns.length > 0) {
      const startedMs = world.now;
      world.turn();
      longest = Math.max(longest, world.now - startedMs);
      if (world.done.length < 100) shedMeanwhile = world.shed.length;
    }
    expect(longest).toBeLessThan(0.7);
    expect(world.shed).toHaveLength(1_000);
    expect(world.done).toHaveLength(100);
    // Every other one, as long as there are both.
    expect(shedMeanwhile).toBeGreaterThan(90);
    expect(shedMeanwhile).toBeLessThan(110);
  });
});
