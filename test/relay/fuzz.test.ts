import type { RelayStats } from 'supernode';
import { afterEach, expect, test } from 'vitest';
import { attack, type Shared } from '../fixtures/attacker.ts';
import { prng, runSeed } from '../fixtures/prng.ts';
import { newKey, type RawEnd, RawPeer, REALTIME, RELIABLE, sendOn } from '../fixtures/raw-peer.ts';
import { type Running, runScript } from '../fixtures/run-script.ts';

const BUNDLES = process.env['SUPERNODE_SOAK'] ? 1_000_000 : 20_000;
const ATTACKERS = 8;
/** What a relay of three shards may grow by under attack: its pools (12 MiB a shard), heaps that breathe, allocator. */
const GROWTH_BYTES = 128 * 1024 * 1024;
const GRANTED = 4 * 1024 * 1024;

type Status = RelayStats & { rssBytes: number };

let relay: Running | null = null;
afterEach(() => relay?.kill('SIGKILL'));

/** Sends numbered frames as long as it may, and looks at every one that comes. */
class Conversation {
  sent = 0;
  got = 0;
  wrong = 0;
  readonly #from: RawEnd;
  readonly #label: number;

  constructor([from, to]: [RawEnd, RawEnd]) {
    this.#from = from;
    this.#label = to.label;
  }

  say(): void {
    const payload = new Uint8Array(20);
    new DataView(payload.buffer).setUint32(0, this.sent++);
    sendOn(this.#from, payload);
  }

  hear(label: number, payload: Uint8Array): boolean {
    if (label !== this.#label) return false;
    const number = new DataView(payload.buffer, payload.byteOffset, payload.length).getUint32(0);
    if (number !== this.got++ || payload.length !== 20) this.wrong++;
    return true;
  }
}

test(`${BUNDLES} random and mutated bundles harm nobody but their senders`, async () => {
  const seed = runSeed();
  const random = prng(seed);
  relay = runScript('relay.mjs', [{ shards: 3 }]);
  const { url, admin } = JSON.parse(await relay.line('up '));
  const status = async (): Promise<Status> => {
    const response = await fetch(`${admin.url}/status`, {
      headers: { authorization: `Bearer ${admin.token}` },
    });
    return (await response.json()) as Status;
  };

  const alice = await RawPeer.login(url);
  const bob = await RawPeer.login(url);
  const talks = [
    new Conversation(await alice.open(bob, { ...RELIABLE, credit: GRANTED }, GRANTED)),
    new Conversation(await bob.open(alice, { ...RELIABLE, credit: GRANTED }, GRANTED)),
    new Conversation(await alice.open(bob, REALTIME)),
    new Conversation(await bob.open(alice, REALTIME)),
  ];
  let foreign = 0;
  for (const peer of [alice, bob]) {
    peer.ondata = ({ label, payload }) => {
      if (!talks.some((talk) => talk.hear(label, payload))) foreign++;
    };
  }
  const talking = setInterval(() => {
    // A frame costs 29 bytes of credit: well within what was granted, over the whole test.
    for (const [i, talk] of talks.entries()) if (i > 1 || talk.sent < GRANTED / 29 - 1) talk.say();
    // Offers of the attackers come to the healthy as well; they let them ring.
    alice.controls.length = 0;
    bob.controls.length = 0;
  }, 2);

  const keys = Array.from({ length: ATTACKERS }, newKey);
  const shared: Shared = {
    url,
    random,
    keys: [alice.key.publicKey, bob.key.publicKey, ...keys.map(({ publicKey }) => publicKey)],
    labels: [],
    bundles: 0,
    endings: new Map(),
  };
  const attackAll = (most: number): Promise<unknown> =>
    Promise.all(keys.map((key, index) => attack(shared, key, index % 4 !== 3, most)));
  // What a relay allocates once, pools and caches, is there after the first part.
  await attackAll(BUNDLES / 5);
  const warm = await status();
  await attackAll(BUNDLES);
  clearInterval(talking);

  const told = `seed ${seed}: SUPERNODE_SEED=${seed} begins with the same bundles`;
  await expect
    .poll(
      async () => {
        const { sessions, sockets, channelEnds, pressure } = await status();
        return { sessions, sockets, channelEnds, queuedBytes: pressure.queuedBytes };
      },
      { timeout: 20_000, message: told },
    )
    .toEqual({ sessions: 2, sockets: 2, channelEnds: 8, queuedBytes: 0 });
  await expect
    .poll(() => talks.every(({ sent, got }) => sent === got), { timeout: 20_000, message: told })
    .toBe(true);
  const end = await status();
  expect({ faults: end.faults, foreign, wrong: talks.map(({ wrong }) => wrong) }, told).toEqual({
    faults: 0,
    foreign: 0,
    wrong: [0, 0, 0, 0],
  });
  expect([alice.ending, bob.ending], told).toEqual([null, null]);
  expect(end.rssBytes - warm.rssBytes, told).toBeLessThan(GROWTH_BYTES);
  // The attack was one: it was refused in many ways, and it got through to the rest of the relay.
  for (const code of ['bad-frame', 'bad-control', 'unknown-op', 'not-logged-in', 'text-message']) {
    expect(shared.endings.get(code) ?? 0, `${code}; ${told}`).toBeGreaterThan(0);
  }
  expect(end.channelsOpened).toBeGreaterThan(BUNDLES / 200);
  for (const kind of ['label', 'class', 'control'] as const) expect(end.drops[kind], kind).toBeGreaterThan(0);
  alice.terminate();
  bob.terminate();
  relay.send('close');
  const outcome = await relay.outcome;
  expect({ code: outcome.code, signal: outcome.signal, stderr: outcome.stderr }, told).toEqual({
    code: 0,
    signal: null,
    stderr: '',
  });
});
