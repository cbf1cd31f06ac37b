/**
 * The nine criteria, from an outcome: each passed or failed, with its figure and its bound. docs/replays.md defines each.
 * Criterion 9 is about the naive arm beside the one that is judged.
 */
import { CLASSES, type Outcome, type Series } from './outcome.ts';

export interface Criterion {
  number: number;
  /** What is asked, in a few words. */
  title: string;
  /** null: it could not be judged, and `figure` says why. */
  passed: boolean | null;
  figure: string;
  bound: string;
}

const MINUTE_MS = 60_000;

const BOUNDS = {
  callsKept: 0.99,
  audio: 0.99,
  goodput: 0.9,
  attemptsPerLogin: 1.2,
  queueWaitP99Ms: 100,
  backSoon: { share: 0.95, withinMs: 10 * MINUTE_MS },
  backAll: { share: 0.999, withinMs: 30 * MINUTE_MS },
  admitted: 0.95,
  restWithinMs: 10 * MINUTE_MS,
  loadRatio: 2,
  fallAgain: 0.05,
  offeredLoad: { most: 1.1, withinMs: 5 * MINUTE_MS },
  naive: { packets: 3, contacts: 10, hotSpot: 30 },
} as const;

/** @param naive the outcome of the naive arm under the same trigger; null: it was not run. */
export function judge(outcome: Outcome, naive: Outcome | null): Criterion[] {
  return [...judgeAlone(outcome), theNaiveFails(naive)];
}

export function judgeAlone(outcome: Outcome): Criterion[] {
  return [
    nobodyExits(outcome),
    callsGoOn(outcome),
    noRetryStorm(outcome),
    queuesAreShort(outcome),
    comesBack(outcome),
    loadIsEven(outcome),
    doesNotFallAgain(outcome),
    isNotMetastable(outcome),
  ];
}

/** Those that could be judged have passed. */
export function allPassed(criteria: readonly Criterion[]): boolean {
  return criteria.every(({ passed }) => passed !== false);
}

function nobodyExits({ exits }: Outcome): Criterion {
  const figure = `${exits} exits`;
  return { number: 1, title: 'no relay exits because of load', passed: exits === 0, figure, bound: '0' };
}

function callsGoOn(outcome: Outcome): Criterion {
  const { calls } = outcome;
  const kept = calls.onSurvivors === 0 ? 1 : Math.max(0, 1 - calls.broken / calls.onSurvivors);
  const audio = audioGoodput(outcome);
  const goodput = totalGoodput(outcome);
  const passed = kept >= BOUNDS.callsKept && audio >= BOUNDS.audio && goodput >= BOUNDS.goodput;
  return {
    number: 2,
    title: 'calls on surviving relays go on',
    passed,
    figure: `calls ${percent(kept)}, audio ${percent(audio)}, goodput ${percent(goodput)}`,
    bound: '>= 99%, 99%, 90%',
  };
}

function audioGoodput({ series, moments }: Outcome): number {
  const from = firstAt(series, moments.triggerMs);
  const offered = sum(series.offered.audio.slice(from));
  return offered === 0 ? 1 : sum(series.served.audio.slice(from)) / offered;
}

/** The worst minute since the trigger: what was done over what was asked for and could be done. No relay up: nothing done. */
function totalGoodput({ series, moments }: Outcome): number {
  let worst = 1;
  const from = firstAt(series, moments.triggerMs);
  for (const [first, end] of minutes(series, from)) {
    const served = CLASSES.reduce((all, name) => all + sum(series.served[name].slice(first, end)), 0);
    const offered = CLASSES.reduce((all, name) => all + sum(series.offered[name].slice(first, end)), 0);
    const possible = Math.min(offered, sum(series.room.slice(first, end)));
    worst = Math.min(worst, possible === 0 ? 0 : served / possible);
  }
  return worst;
}

function noRetryStorm({ asked, moments }: Outcome): Criterion {
  const since = asked.filter(
    ({ fromMs, distinct }) => fromMs + 10 * MINUTE_MS > moments.triggerMs && distinct > 0,
  );
  const worst = Math.max(1, ...since.map(({ attempts, distinct }) => attempts / distinct));
  return {
    number: 3,
    title: 'attempts per login, worst 10 minutes',
    passed: worst <= BOUNDS.attemptsPerLogin,
    figure: number(worst),
    bound: '<= 1.2',
  };
}

function queuesAreShort({ queueWaitMs, peerWaitMs, queueDepth, memoryBytes }: Outcome): Criterion {
  const bounded =
    queueDepth.bound !== null &&
    queueDepth.most <= queueDepth.bound &&
    memoryBytes.bound !== null &&
    memoryBytes.most <= memoryBytes.bound;
  const depth = queueDepth.bound === null ? 'no bound' : `of ${queueDepth.bound}`;
  const seen = peerWaitMs === null ? '' : ` (${number(peerWaitMs.p99)} as peers saw it)`;
  return {
    number: 4,
    title: 'login queues are short, memory is bounded',
    passed: bounded && queueWaitMs.p99 <= BOUNDS.queueWaitP99Ms,
    figure: `p99 ${number(queueWaitMs.p99)} ms${seen}, depth ${queueDepth.most} ${depth}, ${number(memoryBytes.most / 1e6)} MB`,
    bound: 'p99 <= 100 ms, bounded',
  };
}

function comesBack(outcome: Outcome): Criterion {
  const { series, moments } = outcome;
  const at = firstAt(series, moments.triggerEndMs);
  const suffices = series.capacityPeers.slice(at).every((held) => held >= outcome.plan.peers);
  return suffices ? comesBackInTime(outcome) : comesBackAsRoomDoes(outcome);
}

function comesBackInTime(outcome: Outcome): Criterion {
  const { backSoon, backAll } = BOUNDS;
  const { triggerEndMs } = outcome.moments;
  const soon = backAt(outcome, triggerEndMs + backSoon.withinMs);
  const all = backAt(outcome, triggerEndMs + backAll.withinMs);
  return {
    number: 5,
    title: 'peers are back after the trigger',
    passed: soon >= backSoon.share && all >= backAll.share,
    figure: `${percent(soon)} after 10 min, ${percent(all)} after 30`,
    bound: '>= 95%, 99.9%',
  };
}

/**
 * Peers online in the minute after a moment, over those before the trigger. Not over all peers: sessions end and begin at all
 * times, and where time is scaled a peer is away between two of them for as many times as long.
 */
function backAt({ series, moments }: Outcome, ms: number): number {
  const before = series.online.slice(0, firstAt(series, moments.triggerMs));
  const after = series.online.slice(firstAt(series, ms), firstAt(series, ms + MINUTE_MS) + 1);
  return before.length === 0 ? 0 : Math.min(1, mean(after) / mean(before));
}

/** Capacity does not suffice: what there is is used, minute by minute, and the rest comes in when it has come back. */
function comesBackAsRoomDoes(outcome: Outcome): Criterion {
  const { series, moments, plan } = outcome;
  let least = 1;
  for (const [first, end] of minutes(series, firstAt(series, moments.triggerMs))) {
    let online = 0;
    let possible = 0;
    for (let at = first; at < end; at++) {
      online += series.online[at]!;
      possible += Math.min(series.wanting[at]!, series.capacityPeers[at]!);
    }
    least = Math.min(least, possible === 0 ? 0 : online / possible);
  }
  let last = series.atMs.length - 1;
  while (last > 0 && series.capacityPeers[last - 1]! >= plan.peers) last--;
  const back = backAt(outcome, series.atMs[last]! + BOUNDS.restWithinMs);
  const returned = series.capacityPeers.at(-1)! >= plan.peers;
  return {
    number: 5,
    title: 'peers are in as far as there is room',
    passed: returned && least >= BOUNDS.admitted && back >= BOUNDS.backAll.share,
    figure: returned
      ? `least ${percent(least)} of the room, ${percent(back)} 10 min after it was back`
      : `least ${percent(least)} of the room, which did not come back`,
    bound: '>= 95%, 99.9%',
  };
}

function loadIsEven({ series }: Outcome): Criterion {
  const mean = series.loadMean.at(-1)!;
  const ratio = mean > 0 ? series.loadMost.at(-1)! / mean : Number.POSITIVE_INFINITY;
  return {
    number: 6,
    title: 'load of the busiest relay over the mean, in the end',
    passed: ratio <= BOUNDS.loadRatio,
    figure: mean > 0 ? number(ratio) : 'no load',
    bound: '<= 2',
  };
}

/** After the lowest point. That there are no places, since the trigger takes relays still, is no relapse. */
function doesNotFallAgain({ series, moments, plan }: Outcome): Criterion {
  const since = firstAt(series, moments.triggerMs);
  const online = series.online.slice(since);
  const lowest = since + online.indexOf(Math.min(...online));
  let top = 0;
  let fall = 0;
  for (let at = lowest; at < series.online.length; at++) {
    top = Math.max(Math.min(top, series.capacityPeers[at]!), series.online[at]!);
    fall = Math.max(fall, top - series.online[at]!);
  }
  return {
    number: 7,
    title: 'online does not fall again',
    passed: fall / plan.peers <= BOUNDS.fallAgain,
    figure: `${percent(fall / plan.peers)} of the peers`,
    bound: '<= 5%',
  };
}

/** From 5 minutes after the trigger's end until the end, in every sample. */
function isNotMetastable(outcome: Outcome): Criterion {
  const load = loadAfter(outcome);
  const back = outcome.series.online.at(-1)! / outcome.plan.peers;
  return {
    number: 8,
    title: 'load is back 5 minutes after the trigger',
    passed: load <= BOUNDS.offeredLoad.most && back >= BOUNDS.backSoon.share,
    figure: `at most ${number(load)} of the baseline, ${percent(back)} online in the end`,
    bound: '<= 1.1 (and 95% online)',
  };
}

function loadAfter({ series, moments }: Outcome): number {
  const at = firstAt(series, moments.triggerEndMs + BOUNDS.offeredLoad.withinMs);
  return Math.max(...series.offeredLoad.slice(at));
}

/** What is asked of a tipping point: that the network heals by itself. */
export function heals(outcome: Outcome): boolean {
  return isNotMetastable(outcome).passed === true;
}

function theNaiveFails(naive: Outcome | null): Criterion {
  const of = { number: 9, title: 'the naive arm collapses under the same trigger' };
  if (naive === null) {
    return { ...of, passed: null, figure: 'the naive arm was not run', bound: '>= 3x, 10x, 30x' };
  }
  const packets = overBaseline(naive, naive.series.signalPerSec);
  const contacts = overBaseline(naive, naive.series.contactsPerSec);
  const hotSpot = naive.contacts.most / (naive.contacts.mean || 1);
  const fails = judgeAlone(naive).filter(({ passed }) => passed === false).length;
  const { naive: least } = BOUNDS;
  // With n relays none can have more than n times the mean: of few, half of that is a hot spot.
  const spot = Math.min(least.hotSpot, naive.plan.relays / 2);
  const passed = packets >= least.packets && contacts >= least.contacts && hotSpot >= spot && fails > 0;
  return {
    ...of,
    passed,
    bound: `>= 3x, 10x, ${number(spot)}x; fails one`,
    figure: `packets ${number(packets)}x, contacts ${number(contacts)}x, hot spot ${number(hotSpot)}x; fails ${fails} of 8`,
  };
}

/** The mean since the trigger over that before it. */
function overBaseline({ series, moments }: Outcome, rates: readonly number[]): number {
  const from = firstAt(series, moments.triggerMs);
  const before = rates.slice(0, from);
  const since = rates.slice(from);
  const baseline = sum(before) / Math.max(1, before.length);
  return baseline === 0 ? 0 : sum(since) / Math.max(1, since.length) / baseline;
}

/** The first sample after a moment; the last one when there is none. */
export function firstAt({ atMs }: Series, ms: number): number {
  const at = atMs.findIndex((one) => one > ms);
  return at < 0 ? atMs.length - 1 : at;
}

/** Samples of whole minutes: [first, end). */
function* minutes({ atMs }: Series, from: number): Generator<[number, number]> {
  let first = from;
  for (let at = from; at < atMs.length; at++) {
    if (atMs[at]! - atMs[first]! < MINUTE_MS) continue;
    yield [first, at];
    first = at;
  }
}

function sum(numbers: readonly number[]): number {
  let total = 0;
  for (const one of numbers) total += one;
  return total;
}

function mean(numbers: readonly number[]): number {
  return numbers.length === 0 ? 0 : sum(numbers) / numbers.length;
}

function percent(share: number): string {
  return `${(Math.floor(share * 10_000) / 100).toFixed(2)}%`;
}

function number(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toFixed(2);
}
