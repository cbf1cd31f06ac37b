/**
 * The budgets of this shard's sessions (docs/architecture.md, Budgets): a meter for each direction of each session that has
 * any, and the shares of what sessions have together, in this shard and the others.
 *
 *     packet path      SessionMeter.sent, .got: subtract, compare
 *     every TICK_MS    refill the meters of sessions in use; their sums to the shared cells (threads/accounts.ts); all shards'
 *                      sums from there, the shares from those (overload/fair-share.ts); what waited for a budget goes on
 *
 * Without any budget or tenant there is none of it: no meter, no timer. Owned by the shard.
 */
import { FairShare } from '../../core/overload/fair-share.ts';
import { Meter, type Rates, UNLIMITED } from '../../core/overload/meter.ts';
import {
  ACTIVE,
  type Accounts,
  type Budget,
  CELLS,
  LINE,
  LINES,
  MODEST,
  RELAY_ACCOUNT,
  SHED_FRAMES,
  USED,
  WANTING,
} from '../../core/threads/accounts.ts';
import { keyText } from '../../core/threads/key-text.ts';
import type { Session } from './session.ts';

const TICK_MS = 50;
/** A meter that was full and not used for so many ticks is let be until it is used again. */
const QUIET_TICKS = 20;
/** Peers whose meters are kept when they leave: x about 600 bytes = 10 MiB a shard. Beyond it the oldest begins anew. */
export const MAX_REMEMBERED = 16_384;
/** Longer than any bucket of a peer's own takes to fill, unless it owes. */
export const FORGET_MS = 60_000;

/** An account as this shard uses it. */
class LocalAccount {
  readonly id: number;
  /** Sessions of this shard that have it. */
  sessions = 0;
  /** In the order of LINES; null: that line has no limit. */
  readonly shares: (FairShare | null)[];
  /** What all shards together had used at the last look. */
  readonly seen: number[];
  readonly in: Rates;
  readonly out: Rates;

  constructor(id: number, accounts: Accounts, now: number) {
    this.id = id;
    this.shares = accounts
      .ratesOf(id)
      .map((perSec) => (perSec === Number.POSITIVE_INFINITY ? null : new FairShare(perSec, now)));
    this.seen = this.shares.map((_, line) => accounts.total(id, line * LINE + USED));
    this.in = { ...UNLIMITED };
    this.out = { ...UNLIMITED };
    this.apply();
  }

  apply(): void {
    const [inBytes, inFrames, outBytes, outFrames] = this.shares.map(
      (fair) => fair?.share ?? Number.POSITIVE_INFINITY,
    );
    this.in.bytesPerSec = inBytes!;
    this.in.framesPerSec = inFrames!;
    this.out.bytesPerSec = outBytes!;
    this.out.framesPerSec = outFrames!;
  }
}

/** Both directions of one session: `in` is what its peer sends, `out` what it is sent. */
export class SessionMeter {
  readonly in: Meter;
  readonly out: Meter;
  readonly account: LocalAccount;
  readonly #meters: Meters;
  /** True while it is refilled. */
  active = false;
  quietTicks = 0;

  constructor(meters: Meters, account: LocalAccount, own: { in: Meter; out: Meter }) {
    this.#meters = meters;
    this.account = account;
    this.in = own.in;
    this.out = own.out;
  }

  /** Its peer sent this, and it went on. PACKET PATH. */
  sent(bytes: number, frames: number): void {
    if (!this.active) this.#meters.activate(this);
    this.in.charge(bytes, frames);
  }

  /** The same of a reliable channel, whose bytes were paid for with the credit. PACKET PATH. */
  sentReserved(bytes: number, frames: number): void {
    if (!this.active) this.#meters.activate(this);
    if (this.in.limited) this.in.chargeReserved(bytes, frames);
    else this.in.charge(bytes, frames);
  }

  /** This was given to its socket. PACKET PATH. */
  got(bytes: number, frames: number): void {
    if (!this.active) this.#meters.activate(this);
    this.out.charge(bytes, frames);
  }
}

interface Remembered {
  in: Meter;
  out: Meter;
  usedAt: number;
}

export interface MetersHost {
  readonly index: number;
  readonly accounts: Accounts;
  readonly budgets: { session: Budget | null; peer: Budget | null };
  /** Sessions and tenants are metered even where nothing limits them. */
  readonly tenants: boolean;
  /** What waited for a budget may go on. */
  refilled(now: number): void;
}

export class Meters {
  readonly #host: MetersHost;
  readonly #cells: Float64Array;
  readonly #accounts = new Map<number, LocalAccount>();
  readonly #relay: LocalAccount;
  readonly #remembered = new Map<string, Remembered>();
  #active: SessionMeter[] = [];
  #timer: NodeJS.Timeout | undefined;
  #now: number;

  constructor(host: MetersHost, now = performance.now()) {
    this.#host = host;
    this.#now = now;
    this.#cells = host.accounts.cellsOf(host.index);
    this.#relay = new LocalAccount(RELAY_ACCOUNT, host.accounts, now);
  }

  /**
   * Gives a session that has logged in its meter, if it needs one.
   * @param budget the peer's own, from `authorize`; instead of the one that all peers have.
   */
  open(session: Session, account: number, budget: Budget | null, now = performance.now()): void {
    const { accounts, budgets, tenants } = this.#host;
    const ofPeer = budget ?? budgets.peer;
    const relayLimited = this.#relay.shares.some((fair) => fair !== null);
    const limited = relayLimited || accounts.isLimited(account);
    if (!tenants && !limited && ofPeer === null && budgets.session === null) return;
    this.#start(now);
    const own = this.#own(session, ofPeer, now);
    const local = this.#local(account, now);
    local.sessions++;
    session.meter = new SessionMeter(this, local, own);
    for (const direction of ['in', 'out'] as const) {
      own[direction].limit(least(local[direction], this.#relay[direction]));
    }
    this.activate(session.meter);
  }

  close(session: Session): void {
    const { meter } = session;
    if (meter === null) return;
    session.meter = null;
    meter.account.sessions--;
    // What it used since the last tick still counts.
    this.#count(meter);
    meter.active = false;
  }

  /** Realtime frames that the session sent and that did not go on. */
  shed(meter: SessionMeter, frames: number): void {
    if (!meter.active) this.activate(meter);
    meter.in.wanted = true;
    this.#cells[meter.account.id * CELLS + SHED_FRAMES]! += frames;
    this.#cells[RELAY_ACCOUNT * CELLS + SHED_FRAMES]! += frames;
  }

  activate(meter: SessionMeter): void {
    meter.active = true;
    meter.quietTicks = 0;
    meter.in.resume(this.#now);
    meter.out.resume(this.#now);
    this.#active.push(meter);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #start(now: number): void {
    if (this.#timer !== undefined) return;
    this.#now = now;
    this.#timer = setInterval(() => this.tick(performance.now()), TICK_MS);
    this.#timer.unref();
  }

  tick(now: number): void {
    this.#now = now;
    for (const account of [this.#relay, ...this.#accounts.values()]) {
      for (let line = 0; line < LINES; line++) {
        const at = account.id * CELLS + line * LINE;
        this.#cells[at + MODEST] = 0;
        this.#cells[at + WANTING] = 0;
        this.#cells[at + ACTIVE] = 0;
      }
    }
    let kept = 0;
    for (const meter of this.#active) {
      if (meter.active && this.#refill(meter, now)) this.#active[kept++] = meter;
      else meter.active = false;
    }
    this.#active.length = kept;
    this.#share(this.#relay, now);
    for (const account of this.#accounts.values()) {
      this.#share(account, now);
      if (account.sessions === 0) this.#accounts.delete(account.id);
    }
    this.#host.refilled(now);
    if (this.#remembered.size > 0) this.#forget(now);
  }

  /** @returns false when it can be let be. */
  #refill(meter: SessionMeter, now: number): boolean {
    const { account } = meter;
    this.#count(meter);
    for (const direction of ['in', 'out'] as const) {
      const own = meter[direction];
      own.limit(least(account[direction], this.#relay[direction]));
      own.refill(now);
      const line = direction === 'in' ? 0 : 2;
      this.#tell(
        account,
        line,
        own.rate.bytesPerSec,
        own.wantsBytes && bounds(account, line, own.bytesPerSec),
      );
      this.#tell(
        account,
        line + 1,
        own.rate.framesPerSec,
        own.wantsFrames && bounds(account, line + 1, own.framesPerSec),
      );
      const relay = this.#relay;
      this.#tell(relay, line, own.rate.bytesPerSec, own.wantsBytes && bounds(relay, line, own.bytesPerSec));
      this.#tell(
        relay,
        line + 1,
        own.rate.framesPerSec,
        own.wantsFrames && bounds(relay, line + 1, own.framesPerSec),
      );
    }
    const { in: sent, out: got } = meter;
    const idle = sent.full && got.full && sent.rate.framesPerSec < 1 && got.rate.framesPerSec < 1;
    meter.quietTicks = idle ? meter.quietTicks + 1 : 0;
    return meter.quietTicks < QUIET_TICKS;
  }

  /** What went through since the last tick, to its accounts. The meters are refilled right after, or end. */
  #count({ account, in: sent, out: got }: SessionMeter): void {
    const cells = this.#cells;
    for (const id of [account.id, RELAY_ACCOUNT]) {
      const at = id * CELLS;
      cells[at + USED]! += sent.usedBytes;
      cells[at + LINE + USED]! += sent.usedFrames;
      cells[at + 2 * LINE + USED]! += got.usedBytes;
      cells[at + 3 * LINE + USED]! += got.usedFrames;
    }
  }

  #tell(account: LocalAccount, line: number, perSec: number, wants: boolean): void {
    const at = account.id * CELLS + line * LINE;
    if (wants) this.#cells[at + WANTING]!++;
    else this.#cells[at + MODEST]! += perSec;
    if (wants || perSec >= 1) this.#cells[at + ACTIVE]!++;
  }

  #share(account: LocalAccount, now: number): void {
    const { accounts } = this.#host;
    for (const [line, fair] of account.shares.entries()) {
      if (fair === null) continue;
      const at = line * LINE;
      const used = accounts.total(account.id, at + USED);
      fair.update(
        now,
        used - account.seen[line]!,
        accounts.total(account.id, at + MODEST),
        accounts.total(account.id, at + WANTING),
        accounts.total(account.id, at + ACTIVE),
      );
      account.seen[line] = used;
    }
    account.apply();
  }

  #local(id: number, now: number): LocalAccount {
    let account = this.#accounts.get(id);
    if (account === undefined) {
      account = new LocalAccount(id, this.#host.accounts, now);
      this.#accounts.set(id, account);
    }
    return account;
  }

  /** The session's buckets. Those of a peer with a budget are kept when it leaves, so that coming back gains nothing. */
  #own(session: Session, ofPeer: Budget | null, now: number): { in: Meter; out: Meter } {
    const ofSession = this.#host.budgets.session;
    const rates = (direction: 'in' | 'out'): Rates =>
      least(ofPeer?.[direction] ?? UNLIMITED, ofSession?.[direction] ?? UNLIMITED);
    if (ofPeer === null) return { in: new Meter(rates('in'), now), out: new Meter(rates('out'), now) };
    const id = keyText(session.key!);
    let known = this.#remembered.get(id);
    if (known === undefined) {
      if (this.#remembered.size >= MAX_REMEMBERED) {
        for (const oldest of this.#remembered.keys()) {
          this.#remembered.delete(oldest);
          break;
        }
      }
      known = { in: new Meter(rates('in'), now), out: new Meter(rates('out'), now), usedAt: now };
      this.#remembered.set(id, known);
    } else {
      known.in.own = rates('in');
      known.out.own = rates('out');
      known.in.refill(now);
      known.out.refill(now);
    }
    known.usedAt = now;
    return known;
  }

  #lastForgotMs = 0;
  #forget(now: number): void {
    if (now - this.#lastForgotMs < FORGET_MS) return;
    this.#lastForgotMs = now;
    const inUse = new Set(this.#active.map((meter) => meter.in));
    for (const [id, known] of this.#remembered) {
      if (inUse.has(known.in)) known.usedAt = now;
      // Who owes much, for what one large bundle brought at a low rate, is remembered for as long as he does.
      known.in.refill(now);
      known.out.refill(now);
      if (known.usedAt + FORGET_MS <= now && known.in.full && known.out.full) this.#remembered.delete(id);
    }
  }
}

function least(a: Rates, b: Rates): Rates {
  return {
    bytesPerSec: Math.min(a.bytesPerSec, b.bytesPerSec),
    framesPerSec: Math.min(a.framesPerSec, b.framesPerSec),
  };
}

/** Whether it is the account's share that bounds who may use so much. */
function bounds(account: LocalAccount, line: number, perSec: number): boolean {
  const fair = account.shares[line]!;
  return fair !== null && fair.share <= perSec;
}
