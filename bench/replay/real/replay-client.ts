/**
 * A peer of a real replay: a program that wants to be logged in, loses its relay, crashes and is started again.
 *
 *   off --begin--> waiting --its time--> trying --ready--> online --lost--> waiting
 *                     ^------all failed-----'                 '--leaves, comes anew--> waiting
 *   any --crash--> off --restart--> waiting
 */
import { generateIdentity, type Identity } from '../../../core/identity/identity.ts';
import type { LoadFault } from '../../load/fault.ts';
import { ControlPeer, type Offer, type PeerHost, type Ticket } from '../../load/scenarios/control-peer.ts';
import { RelayRefusal } from '../../load/scenarios/refusal.ts';
import { contactPackets } from '../sim/costs.ts';
import type { ClientPolicy, Failure, NextTry } from './client-policy.ts';
import type { Tally } from './tally.ts';

export interface ClientWorld {
  readonly tally: Tally;
  readonly timeScale: number;
  address(relay: number): string;
  /** Milliseconds of the replay; negative before it begins. */
  nowMs(): number;
  /** Runs `contact` as soon as there is room for one more; at once, most often. */
  whenRoom(contact: () => Promise<void>): void;
  cameOnline(client: ReplayClient): void;
  /** @param why `lost`: neither the user nor the trigger took it away. */
  wentOffline(client: ReplayClient, why: 'own' | 'lost'): void;
  offered(client: ReplayClient, offer: Offer): void;
}

/** On this machine nobody at a port answers at once: SYN and RST. */
const UNANSWERED_PACKETS = 2;
/** A timer of Node may fire a millisecond early, and a relay refuses who comes before his turn. */
const TIMER_EARLY_MS = 1;

export class ReplayClient implements PeerHost {
  readonly identity: Identity = generateIdentity();
  readonly version: string;
  readonly #world: ClientWorld;
  readonly #policy: ClientPolicy;
  #state: 'off' | 'waiting' | 'trying' | 'online' = 'off';
  /** Counts what ended everything that was under way: a contact of an older life is dropped when it ends. */
  #life = 0;
  #timer: NodeJS.Timeout | null = null;
  #ticket: { relay: number; ticket: Ticket } | null = null;
  /** The window in which this want has asked last. */
  #askedIn = Number.NaN;
  /** How often it has tried. */
  #tries = 0;
  peer: ControlPeer | null = null;
  relay = -1;
  /** When its last keep-alive was sent. */
  pingedAtMs = Number.NaN;

  constructor(world: ClientWorld, version: string, policy: ClientPolicy) {
    this.#world = world;
    this.version = version;
    this.#policy = policy;
  }

  get #home(): number | null {
    return this.relay < 0 ? null : this.relay;
  }

  get isOff(): boolean {
    return this.#state === 'off';
  }

  /** The program is started. @param relay the only one to ask first, while the peers come before the replay. */
  begin(relay?: number): void {
    if (this.#state !== 'off') return;
    this.#world.tally.wanting++;
    const next = this.#policy.first(this.#home);
    this.#want(relay === undefined ? next : { ...next, choose: () => [relay] });
  }

  /** The program ends without a word. */
  crash(): void {
    if (this.#state === 'off') return;
    this.#leave('own');
    this.#ticket = null;
    this.#state = 'off';
    this.#world.tally.wanting--;
  }

  /** The user goes, and another comes with the same key: nothing is kept. */
  renew(): void {
    if (this.#state !== 'online') return;
    this.#leave('own');
    this.#ticket = null;
    this.#want(this.#policy.first(this.#home));
  }

  // --- PeerHost -----------------------------------------------------------------------------------------------------

  offered(_peer: ControlPeer, offer: Offer): void {
    this.#world.offered(this, offer);
  }

  broke(_fault: LoadFault): void {
    if (this.#state !== 'online') return;
    this.#leave('lost');
    this.#want(this.#policy.first(this.#home));
  }

  // --- Logging in ---------------------------------------------------------------------------------------------------

  #leave(why: 'own' | 'lost'): void {
    this.#life++;
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    if (this.#state === 'online') {
      this.#world.tally.online--;
      this.#world.wentOffline(this, why);
    }
    this.peer?.leave();
    this.peer = null;
  }

  #want(next: NextTry): void {
    this.#askedIn = Number.NaN;
    this.#tries = 0;
    this.#wait(next);
  }

  #wait({ waitMs, choose }: NextTry): void {
    this.#state = 'waiting';
    this.#timer = setTimeout(() => this.#try(choose()), waitMs + TIMER_EARLY_MS);
  }

  #try(relays: readonly number[]): void {
    if (relays.length === 0) {
      this.#wait(this.#policy.again([]));
      return;
    }
    this.#state = 'trying';
    const life = this.#life;
    const failures: Failure[] = [];
    let left = relays.length;
    // See Paced.
    const weight = this.#tries++ < this.#policy.eventTries ? 1 / this.#world.timeScale : 1;
    const settled = (at: number, failure: Failure): void => {
      failures[at] = failure;
      left--;
      if (left > 0 || life !== this.#life || this.#state !== 'trying') return;
      this.#wait(this.#policy.again(failures));
    };
    relays.forEach((relay, at) => {
      this.#world.tally.due++;
      this.#world.whenRoom(async () => {
        if (life !== this.#life || this.#state !== 'trying') return;
        const failure = await this.#contact(relay, life, weight);
        if (failure) settled(at, failure);
      });
    });
  }

  /** @returns null when it was logged in, or is no longer wanted. */
  async #contact(relay: number, life: number, weight: number): Promise<Failure | null> {
    const { tally } = this.#world;
    tally.contacted(relay);
    tally.paced.contacts += weight;
    const ticket = this.#ticket?.relay === relay ? this.#ticket.ticket : null;
    let provedAtMs = 0;
    try {
      const peer = await ControlPeer.login(this.#world.address(relay), this.identity, ticket, this, {
        client: this.version,
        loginDeadlineMs: this.#policy.answerMs,
        proving: () => {
          provedAtMs = performance.now();
        },
      });
      this.#reached(weight);
      if (tally.triggered) tally.waits.record(performance.now() - provedAtMs);
      if (life !== this.#life || this.#state !== 'trying') {
        peer.leave();
        return null;
      }
      this.#arrived(peer, relay);
      return null;
    } catch (error) {
      if (error instanceof RelayRefusal) {
        this.#reached(weight);
        tally.refused++;
        return { kind: 'refused', code: error.code, retryAfterMs: error.retryAfterMs };
      }
      if (provedAtMs > 0 || !isUnreachable(error)) this.#reached(weight);
      else tally.paced.packets += weight * UNANSWERED_PACKETS;
      return { kind: 'broken' };
    }
  }

  #arrived(peer: ControlPeer, relay: number): void {
    this.#state = 'online';
    this.peer = peer;
    this.relay = relay;
    this.#ticket = peer.ticket && { relay, ticket: peer.ticket };
    this.#world.tally.logins++;
    this.#world.tally.online++;
    this.#world.cameOnline(this);
  }

  /** A relay that was up had work with it. */
  #reached(weight: number): void {
    const { tally } = this.#world;
    tally.attempts++;
    tally.paced.packets += weight * contactPackets(true);
    const nowMs = this.#world.nowMs();
    const window = tally.windowOf(nowMs);
    tally.asked(nowMs, window !== this.#askedIn);
    this.#askedIn = window;
  }
}

function isUnreachable(error: unknown): boolean {
  return /ECONNREFUSED|ECONNRESET/.test((error as Error).message);
}
