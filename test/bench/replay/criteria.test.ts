import { describe, expect, it } from 'vitest';
import { allPassed, judge } from '../../../bench/replay/criteria.ts';
import { CLASSES, type Outcome, type Series } from '../../../bench/replay/outcome.ts';
import { planOf } from '../../../bench/replay/settings.ts';

const MINUTE_MS = 60_000;
const MINUTES = 110;
const TRIGGER_AT = 5;
const ENDS_AT = 65;
const PEERS = 1_000;

/** A network that nothing happened to, a sample a minute. */
function quiet(): Outcome {
  const always = (value: number): number[] => new Array<number>(MINUTES).fill(value);
  const classes = (value: number): Series['offered'] =>
    Object.fromEntries(CLASSES.map((name) => [name, always(value)])) as Series['offered'];
  return {
    form: 'simulated',
    plan: planOf({ replay: 'mass-restart', peers: PEERS, mega: 0, seed: 1, scale: 1 }, 'ours', 75),
    moments: {
      triggerMs: TRIGGER_AT * MINUTE_MS,
      triggerEndMs: ENDS_AT * MINUTE_MS,
      endMs: MINUTES * MINUTE_MS,
    },
    series: {
      atMs: always(0).map((_, at) => (at + 1) * MINUTE_MS),
      online: always(PEERS),
      wanting: always(PEERS),
      capacityPeers: always(1_300),
      relaysUp: always(13),
      attemptsPerSec: always(1),
      contactsPerSec: always(1),
      loginsPerSec: always(1),
      refusedPerSec: always(0),
      offeredLoad: always(1),
      signalPerSec: always(10),
      loadMost: always(0.9),
      loadMean: always(0.75),
      queueMost: always(0),
      offered: classes(10),
      served: classes(10),
      room: always(100),
    },
    asked: [{ fromMs: 0, attempts: 10, distinct: 10 }],
    exits: 0,
    restarts: 4,
    calls: { onSurvivors: 100, broken: 0 },
    queueWaitMs: { count: 10, p50: 1, p99: 10, max: 20 },
    peerWaitMs: null,
    queueDepth: { most: 1, bound: 10 },
    memoryBytes: { most: 1, bound: 10 },
    contacts: { most: 40, mean: 1 },
    notes: {},
  };
}

function from(minute: number, values: number[], value: number, until = MINUTES): number[] {
  return values.map((was, at) => (at >= minute && at < until ? value : was));
}

/** Numbers of the criteria that fail. */
function failed(change: (outcome: Outcome) => void): number[] {
  const outcome = quiet();
  change(outcome);
  return judge(outcome, null)
    .filter(({ passed }) => passed === false)
    .map(({ number }) => number);
}

describe('the nine criteria', () => {
  it('pass for a network that nothing happened to; without the naive arm the ninth is not judged', () => {
    const criteria = judge(quiet(), null);
    expect(criteria.map(({ number }) => number)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(criteria.map(({ passed }) => passed)).toEqual([...new Array(8).fill(true), null]);
    expect(allPassed(criteria)).toBe(true);
  });

  it('1: no relay exits', () => {
    expect(failed((outcome) => (outcome.exits = 1))).toEqual([1]);
  });

  it('2: calls, audio and goodput', () => {
    expect(failed((outcome) => (outcome.calls.broken = 2))).toEqual([2]);
    expect(failed(({ series }) => (series.served.audio = from(70, series.served.audio, 9)))).toEqual([2]);
    expect(failed(({ series }) => (series.served.bulk = from(70, series.served.bulk, 0, 72)))).toEqual([2]);
  });

  it('3: attempts per login, in any ten minutes since the trigger', () => {
    const before = { fromMs: -10 * MINUTE_MS, attempts: 99, distinct: 1 };
    expect(failed((outcome) => outcome.asked.push(before))).toEqual([]);
    expect(failed((outcome) => outcome.asked.push({ fromMs: 600_000, attempts: 13, distinct: 10 }))).toEqual([
      3,
    ]);
  });

  it('4: waits, and bounds that are kept and that there are', () => {
    expect(failed((outcome) => (outcome.queueWaitMs.p99 = 101))).toEqual([4]);
    expect(failed((outcome) => (outcome.peerWaitMs = { ...outcome.queueWaitMs, p99: 101 }))).toEqual([]);
    expect(failed((outcome) => (outcome.queueDepth.most = 11))).toEqual([4]);
    expect(failed((outcome) => (outcome.memoryBytes.bound = null))).toEqual([4]);
  });

  it('5: 95% within ten minutes and 99.9% within thirty, where there is room', () => {
    const offUntil = (minute: number, online: number) => (outcome: Outcome) => {
      outcome.series.online = from(20, outcome.series.online, online, minute);
    };
    expect(failed(offUntil(ENDS_AT + 9, 900))).toEqual([]);
    expect(failed(offUntil(ENDS_AT + 12, 900))).toEqual([5]);
    expect(failed(offUntil(ENDS_AT + 29, 998))).toEqual([]);
    expect(failed(offUntil(ENDS_AT + 32, 998))).toEqual([5]);
  });

  it('5: of the peers who were online before, not of those who are always between two sessions', () => {
    const usual = (outcome: Outcome): void => {
      outcome.series.online = outcome.series.online.map(() => 998);
    };
    expect(failed(usual)).toEqual([]);
    expect(
      failed((outcome) => {
        usual(outcome);
        outcome.series.online = from(TRIGGER_AT, outcome.series.online, 996);
      }),
    ).toEqual([5]);
  });

  it('5: 95% of the room, and all ten minutes after it is back, where there is not enough', () => {
    const short = (online: number, backAt: number) => (outcome: Outcome) => {
      const { series } = outcome;
      series.capacityPeers = from(50, series.capacityPeers, 800, 80);
      series.online = from(50, series.online, online, backAt);
    };
    expect(failed(short(790, 80))).toEqual([]);
    expect(failed(short(700, 80))).toEqual([5]);
    expect(failed(short(790, 93))).toEqual([5]);
  });

  it('6: the busiest relay has at most twice the mean', () => {
    expect(failed(({ series }) => (series.loadMean = from(100, series.loadMean, 0.4)))).toEqual([6]);
  });

  it('7: online does not fall by more than 5% after the lowest point', () => {
    const falls = (to: number) => (outcome: Outcome) => {
      outcome.series.online = from(20, outcome.series.online, 500, 25);
      outcome.series.online = from(30, outcome.series.online, to, 35);
    };
    expect(failed(falls(960))).toEqual([]);
    expect(failed(falls(940))).toEqual([7]);
  });

  it('7: that the trigger takes the places is no relapse; to lose peers beyond it is', () => {
    const short = (online: number) => (outcome: Outcome) => {
      const { series } = outcome;
      series.online = from(20, series.online, 500, 25);
      // Longer than there are no places: those that come back are filled one by one.
      series.online = from(30, series.online, online, 37);
      series.capacityPeers = from(30, series.capacityPeers, 900, 35);
      // In as many as there is room for, or the fifth criterion would fail as well.
      series.wanting = from(20, series.wanting, 500, 25);
      series.wanting = from(30, series.wanting, online, 37);
    };
    expect(failed(short(890))).toEqual([]);
    expect(failed(short(840))).toEqual([7]);
  });

  it('8: the load is back five minutes after the trigger, and so are the peers', () => {
    expect(
      failed(({ series }) => (series.offeredLoad = from(20, series.offeredLoad, 5, ENDS_AT + 5))),
    ).toEqual([]);
    expect(failed(({ series }) => (series.offeredLoad = from(80, series.offeredLoad, 1.2)))).toEqual([8]);
    expect(failed(({ series }) => (series.online = from(100, series.online, 900)))).toContain(8);
  });

  it('9: the naive arm has the storm of 2007, and fails', () => {
    const naive = quiet();
    expect(judge(quiet(), naive)[8]!.passed).toBe(false);
    naive.series.signalPerSec = from(TRIGGER_AT, naive.series.signalPerSec, 40);
    naive.series.contactsPerSec = from(TRIGGER_AT, naive.series.contactsPerSec, 20);
    expect(judge(quiet(), naive)[8]!.passed).toBe(false);
    naive.exits = 5;
    expect(judge(quiet(), naive)[8]!.passed).toBe(true);
    naive.contacts.most = 2;
    expect(judge(quiet(), naive)[8]!.passed).toBe(false);
  });
});
