/** The peers of one load process: who there is, what the trigger does to them, and the turns in which they send. */
import { rmSync } from 'node:fs';
import type { Offer } from '../../load/scenarios/control-peer.ts';
import { Draws } from '../../load/scenarios/draws.ts';
import { PingFrame } from '../../load/scenarios/ping-frame.ts';
import { KEEP_ALIVE_MS, SESSION_MEAN_MS } from '../../load/scenarios/supernode-mix.ts';
import { CASCADE, MASS_RESTART } from '../plan.ts';
import type { RelayReport } from '../relay-list.ts';
import { LIST_PACKETS } from '../sim/costs.ts';
import { CRASH_RESTART_MS, REBOOT_MS } from '../sim/settings.ts';
import { Calls } from './calls.ts';
import { type ClientPolicy, JitterPolicy, NaivePolicy } from './client-policy.ts';
import { FrameLog } from './frame-log.ts';
import type { LoadOrder } from './messages.ts';
import { RelayBoard } from './relay-board.ts';
import { type ClientWorld, ReplayClient } from './replay-client.ts';
import { CLASS, Tally } from './tally.ts';

const TURN_MS = 20;
/** Handshakes that a process has under way: more of them only wait for its core. */
const AT_ONCE = 128;
/** How often somebody asks the store, to know how slow it is. */
const STORE_MS = 50;
/** How long a program that crashed, and a computer that restarts, is away. */
const AWAY_MS = { cascade: CRASH_RESTART_MS, 'mass-restart': REBOOT_MS };
/** The version of 2010 that crashes, and the others. */
const VERSION_V = '5.0.0.152';
const OTHER_VERSION = '5.0.0.156';

export class Crowd implements ClientWorld {
  readonly tally = new Tally();
  readonly frames: FrameLog;
  readonly timeScale: number;
  readonly #order: LoadOrder;
  readonly #draws: Draws;
  readonly #addresses: string[];
  readonly #board: RelayBoard;
  readonly #online = new Set<ReplayClient>();
  readonly #clients: ReplayClient[];
  readonly #calls: Calls;
  readonly #ping = new PingFrame();
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #waiting: (() => Promise<void>)[] = [];
  #underWay = 0;
  #beganAtMs = Number.NaN;
  #lateMs: number | null = null;
  #owedPings = 0;
  #pinged: Iterator<ReplayClient> | null = null;

  constructor(order: LoadOrder) {
    this.#order = order;
    this.timeScale = order.timeScale;
    this.frames = new FrameLog(order.tickMs);
    this.#draws = new Draws(order.seed);
    this.#addresses = [...order.addresses];
    this.#board = new RelayBoard({ random: this.#draws.uniform, part: order.part });
    // Until the relays have told anything.
    const { relayPeers: mostPeers, relayLoginsPerSec: loginsPerSec } = order;
    const empty = { sessions: 0, waiting: 0, mostPeers, loginsPerSec };
    this.#board.read(order.addresses.map(() => empty));
    this.#calls = new Calls(this.tally, this.frames, this.#draws, this.timeScale, this.#online);
    this.#clients = Array.from({ length: order.peers }, (_, index) => {
      const version = this.#draws.chance(CASCADE.versionShare) ? VERSION_V : OTHER_VERSION;
      const draws = new Draws(order.seed + 1 + index);
      const policy: ClientPolicy =
        order.clients === 'naive'
          ? new NaivePolicy(draws, this.#board)
          : new JitterPolicy(draws, this.#board, {
              timeScale: order.timeScale,
              counted: order.overload === 'shed',
              looked: () => this.#looked(),
            });
      return new ReplayClient(this, version, policy);
    });
  }

  // --- Before the replay ----------------------------------------------------------------------------------------------

  /** All come, evenly over time and relays. Resolves once they are here. */
  async gather(): Promise<void> {
    const { rampPerSec } = this.#order;
    const startedAtMs = performance.now();
    const relays = this.#addresses.length;
    let begun = 0;
    while (this.#online.size < this.#clients.length) {
      const due = Math.min(this.#clients.length, ((performance.now() - startedAtMs) * rampPerSec) / 1_000);
      for (; begun < due; begun++) this.#clients[begun]!.begin(begun % relays);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  // --- The replay ---------------------------------------------------------------------------------------------------------

  begin(): void {
    this.#beganAtMs = performance.now();
    this.frames.begin(this.#beganAtMs);
    this.#every(TURN_MS, () => this.#turn());
    this.#every(STORE_MS, () => void this.#askStore());
    for (const client of this.#clients) this.#renewLater(client);
  }

  trigger(): void {
    this.tally.triggered = true;
    this.#board.herds = true;
    const { replay, trigger } = this.#order;
    const affected = this.#shuffled();
    if (replay === 'mass-restart') {
      for (const client of affected.slice(0, Math.round(affected.length * MASS_RESTART.share * trigger))) {
        this.#after(this.#draws.uniform() * MASS_RESTART.withinMs, () => this.#crash(client));
      }
      return;
    }
    const most = Math.round(affected.length * CASCADE.clientShare * trigger);
    const victims = affected.filter(({ version }) => version === VERSION_V).slice(0, most);
    for (const client of victims) {
      this.#after(this.#draws.uniform() * CASCADE.crashWithinMs, () => void this.#meetStore(client, 1));
    }
  }

  /** @param lateMs after which an answer of the store is late; null: the trigger is over. */
  store(lateMs: number | null): void {
    this.#lateMs = lateMs;
  }

  killed(relay: number): void {
    this.#calls.killed.add(relay);
  }

  reports(reports: readonly (RelayReport | null)[]): void {
    this.#board.read(reports);
  }

  up(relay: number, address: string, report: RelayReport): void {
    this.#addresses[relay] = address;
    this.#board.joined(relay, report);
    this.#calls.killed.delete(relay);
  }

  /** Everybody leaves. */
  stop(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
    this.#waiting.length = 0;
    for (const client of this.#clients) client.crash();
  }

  /** The run has gone without a word: what it would have removed. */
  removeFolder(): void {
    rmSync(this.#order.folder, { recursive: true, force: true, maxRetries: 5 });
  }

  // --- ClientWorld ---------------------------------------------------------------------------------------------------------

  address(relay: number): string {
    return this.#addresses[relay]!;
  }

  nowMs(): number {
    return Number.isNaN(this.#beganAtMs) ? -1 : (performance.now() - this.#beganAtMs) * this.timeScale;
  }

  whenRoom(contact: () => Promise<void>): void {
    this.#waiting.push(contact);
    this.#fill();
  }

  cameOnline(client: ReplayClient): void {
    this.#online.add(client);
    if (client.peer) {
      client.peer.onpong = () => this.frames.got(CLASS.signal, client.pingedAtMs);
    }
    if (this.#lateMs !== null && client.version === VERSION_V)
      void this.#meetStore(client, CASCADE.crashAgain);
  }

  wentOffline(client: ReplayClient, why: 'own' | 'lost'): void {
    this.#online.delete(client);
    this.#calls.left(client, why);
  }

  offered(client: ReplayClient, offer: Offer): void {
    this.#calls.offered(client, offer);
  }

  // --- Inside -------------------------------------------------------------------------------------------------------------

  #fill(): void {
    while (this.#underWay < AT_ONCE) {
      const contact = this.#waiting.shift();
      if (!contact) return;
      this.#underWay++;
      void contact().finally(() => {
        this.#underWay--;
        // Not from within: one that ends at once would recurse.
        setImmediate(() => this.#fill());
      });
    }
  }

  #turn(): void {
    const nowMs = performance.now();
    this.#calls.turn(nowMs);
    this.#owedPings += (this.#online.size * TURN_MS) / KEEP_ALIVE_MS;
    for (; this.#owedPings >= 1; this.#owedPings--) {
      const next = this.#pinged?.next();
      if (!next || next.done) {
        this.#pinged = this.#online.values();
        continue;
      }
      next.value.peer?.sendPing(this.#ping, 1);
      next.value.pingedAtMs = nowMs;
      this.frames.sent(CLASS.signal, nowMs);
      this.tally.paced.packets++;
    }
  }

  #looked(): void {
    this.tally.paced.contacts += 1 / this.timeScale;
    this.tally.paced.packets += LIST_PACKETS / this.timeScale;
  }

  async #askStore(): Promise<void> {
    const client = this.#clients[this.#draws.below(this.#clients.length)]!;
    const askedAtMs = performance.now();
    await client.peer?.store().then(
      () => this.tally.storeMs.push(performance.now() - askedAtMs),
      () => {},
    );
  }

  /** A client of version V asks the store; an answer that is late ends it, with this probability. */
  async #meetStore(client: ReplayClient, probability: number): Promise<void> {
    const { peer } = client;
    if (!peer) return;
    const askedAtMs = performance.now();
    try {
      await peer.store();
    } catch {
      return;
    }
    const waitedMs = performance.now() - askedAtMs;
    if (this.#lateMs === null || waitedMs < this.#lateMs || client.peer !== peer) return;
    if (!this.#draws.chance(probability)) return;
    if (probability < 1) this.tally.crashesAgain++;
    this.#crash(client);
  }

  #crash(client: ReplayClient): void {
    if (client.isOff) return;
    this.tally.crashes++;
    client.crash();
    const { least, most } = AWAY_MS[this.#order.replay];
    this.#after(least + this.#draws.uniform() * (most - least), () => client.begin());
  }

  /** Sessions of people who come and go, as on any day. */
  #renewLater(client: ReplayClient): void {
    this.#after(this.#draws.exponential(SESSION_MEAN_MS), () => {
      client.renew();
      this.#renewLater(client);
    });
  }

  #after(replayMs: number, work: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      work();
    }, replayMs / this.timeScale);
    this.#timers.add(timer);
  }

  #every(ms: number, work: () => void): void {
    this.#timers.add(setInterval(work, ms));
  }

  #shuffled(): ReplayClient[] {
    const all = [...this.#clients];
    for (let at = all.length - 1; at > 0; at--) {
      const other = this.#draws.below(at + 1);
      [all[at], all[other]] = [all[other]!, all[at]!];
    }
    return all;
  }
}
