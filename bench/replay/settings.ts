/** From flags to plans. */
import { UsageError } from '../../core/cli/exit-codes.ts';
import { type FlagValues, list, shown, text, wholeNumber } from '../../core/cli/flags.ts';
import {
  ARM_NAMES,
  type ArmName,
  MEGA_SHARES,
  type MegaPercent,
  type Plan,
  REPLAYS,
  type ReplayName,
  relayPeersFor,
  relaysFor,
  UTILISATIONS,
} from './plan.ts';

export interface ReplaySettings {
  /** For each utilisation the arms that are judged, and the naive one to compare with. */
  groups: { utilisation: number; plans: Plan[] }[];
  /** Arms that were asked for: those that must pass. */
  asked: ArmName[];
  real: boolean;
  /** Simulate what was real as well. */
  compare: boolean;
  tipping: boolean;
  json: boolean;
  html: string | undefined;
}

/** Peers at 1,000 bytes of columns and lists each: what fits a process of a few GB. */
const MOST_PEERS = 4_000_000;
/** Relays are told apart by 16 bits. */
const MOST_RELAYS = 30_000;
const MOST_REAL_PEERS = 20_000;

/** @throws UsageError that names what is allowed. */
export function settingsOf(values: FlagValues): ReplaySettings {
  const replay = REPLAYS.find((name) => name === text(values, 'replay'));
  if (replay === undefined) {
    const named = shown(text(values, 'replay')!);
    throw new UsageError(`There is no replay "${named}"; there are: ${REPLAYS.join(', ')}.`);
  }
  const real = values['real'] === true;
  const arms = armsOf(values);
  const peers = wholeNumber(values, 'peers', real ? 10 : 1_000, real ? MOST_REAL_PEERS : MOST_PEERS);
  const relays = wholeNumber(values, 'relays', 2, real ? 32 : MOST_RELAYS);
  const tipping = values['tipping'] === true;
  if (tipping && real) throw new UsageError('--tipping searches with the simulation: leave --real away.');
  const compare = values['compare'] === true;
  if (compare && !real)
    throw new UsageError('--compare holds a real replay against the simulation: add --real.');
  const of = {
    replay,
    peers: peers ?? (real ? 2_400 : 100_000),
    relays: relays ?? (real ? 32 : undefined),
    mega: megaOf(values),
    seed: wholeNumber(values, 'seed', 0, 2 ** 31 - 1) ?? 1,
    scale: wholeNumber(values, 'scale', 1, 600) ?? (real ? 30 : 1),
  };
  const beside: ArmName[] = arms.includes('naive') ? arms : [...arms, 'naive'];
  return {
    groups: utilisationsOf(values).map((utilisation) => ({
      utilisation,
      plans: beside.map((arm) => planOf(of, arm, utilisation)),
    })),
    asked: arms,
    real,
    compare,
    tipping,
    json: values['json'] === true,
    html: text(values, 'html'),
  };
}

export function planOf(
  of: {
    replay: ReplayName;
    peers: number;
    relays?: number | undefined;
    mega: MegaPercent;
    seed: number;
    scale: number;
  },
  arm: ArmName,
  utilisation: number,
): Plan {
  const { replay, peers, mega, seed, scale } = of;
  const held = relayPeersFor(peers);
  const relays = of.relays ?? relaysFor(peers, utilisation, held);
  return {
    replay,
    arm,
    peers,
    relays,
    relayPeers: of.relays === undefined ? held : Math.ceil(peers / (relays * (utilisation / 100))),
    utilisation,
    megaPercent: mega,
    seed,
    timeScale: scale,
    trigger: 1,
  };
}

function armsOf(values: FlagValues): ArmName[] {
  const given = list(values, 'arm') ?? ['ours'];
  if (given.includes('all')) return [...ARM_NAMES];
  return [...new Set(given.map((name) => oneOf('--arm', name, ARM_NAMES, 'all')))];
}

function utilisationsOf(values: FlagValues): number[] {
  const given = list(values, 'utilisation') ?? ['75'];
  if (given.includes('all')) return [...UTILISATIONS];
  const read = given.map((one) => {
    const percent = /^\d{1,3}$/.test(one) ? Number(one) : 0;
    if (percent >= 10 && percent <= 100) return percent;
    throw new UsageError(`--utilisation takes whole percents from 10 to 100, or all, not "${shown(one)}".`);
  });
  return [...new Set(read)];
}

function megaOf(values: FlagValues): MegaPercent {
  const given = text(values, 'mega') ?? '0';
  const found = MEGA_SHARES.find((share) => String(share) === given);
  if (found !== undefined) return found;
  throw new UsageError(`--mega must be one of ${MEGA_SHARES.join(', ')}, not "${shown(given)}".`);
}

function oneOf<T extends string>(what: string, name: string, there: readonly T[], also?: string): T {
  const found = there.find((one) => one === name);
  if (found !== undefined) return found;
  const all = also === undefined ? there : [...there, also];
  throw new UsageError(`${what} has no "${shown(name)}"; there are: ${all.join(', ')}.`);
}
