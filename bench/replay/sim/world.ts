/**
 * The peers and relays of a simulated replay, and what happens to them: logins, losses, restarts. The policy is that of
 * core/overload; what a client does is what core/client does, or what the old one did.
 */
import { fullJitterMs } from '../../../core/overload/backoff.ts';
import { type Pace, paceOf } from '../pace.ts';
import type { Arm, Plan } from '../plan.ts';
import {
  ARRIVAL_PACKETS,
  contactPackets,
  FULL_LOGIN_MS,
  LIST_PACKETS,
  type LoginCosts,
  loginCosts,
} from './costs.ts';
import { ASKING, OFF, ONLINE, Peers, WAITING } from './peers.ts';
import type { Recorder } from './recorder.ts';
import { type Ask, askOf, peerOf, type Relay, roundOf } from './relay.ts';
import type { Reports } from './reports.ts';
import {
  BACKOFF,
  CRASH_AFTER_MS,
  CRASH_RESTART_MS,
  EVENT_TRIES,
  FULL_RETRY_MS,
  LOGIN_TIMEOUT_MS,
  LOOK_MS,
  MOST_REDIRECTS,
  MOST_SERVED,
  NAIVE,
  REBOOT_MS,
} from './settings.ts';
import type { Wheel } from './wheel.ts';

/** How often an old client asks when nobody is there. */
export function naivePeriodMs({ noAnswerMs }: Pace): number {
  return Math.min(NAIVE.answerMs, noAnswerMs) + NAIVE.againMs;
}

export interface Chances {
  /** That a client of the crashing kind crashes again after its login, now. */
  crashAgain: number;
}

export class World {
  readonly peers: Peers;
  readonly relays: Relay[];
  /** Relays with logins to serve. */
  readonly busy: Relay[] = [];
  readonly chances: Chances = { crashAgain: 0 };
  /** The trigger has come. */
  counting = false;
  exits = 0;
  readonly pace: Pace;
  readonly costs: LoginCosts;
  readonly #plan: Plan;
  readonly #wheel: Wheel;
  readonly #reports: Reports;
  readonly #recorder: Recorder;
  readonly #random: () => number;
  readonly #sheds: boolean;
  readonly #naive: boolean;
  readonly #eventTries: number;
  readonly #eventWeight: number;
  readonly #sessionMeanMs: number;
  /** Whoever comes to an old relay behind so many has gone when his turn comes. */
  readonly #hopelessAfter: number;

  constructor(
    plan: Plan,
    arm: Arm,
    parts: { relays: Relay[]; wheel: Wheel; reports: Reports; recorder: Recorder; random: () => number },
    sessionMeanMs: number,
  ) {
    this.#plan = plan;
    this.pace = paceOf(plan.timeScale);
    this.costs = loginCosts(plan.timeScale);
    this.#wheel = parts.wheel;
    this.#reports = parts.reports;
    this.#recorder = parts.recorder;
    this.#random = parts.random;
    this.relays = parts.relays;
    this.peers = new Peers(plan.peers, parts.wheel.rows);
    this.#sheds = arm.overload === 'shed';
    this.#naive = arm.clients === 'naive';
    this.#eventTries = EVENT_TRIES[arm.clients];
    this.#eventWeight = 1 / plan.timeScale;
    this.#sessionMeanMs = sessionMeanMs;
    const waitMs = this.#naive ? NAIVE.answerMs : LOGIN_TIMEOUT_MS;
    this.#hopelessAfter = Math.ceil(waitMs / LOOK_MS) * MOST_SERVED;
  }

  /** Everybody is logged in, evenly, as after a long quiet time. */
  fill(): void {
    const { peers, relays } = this;
    for (let peer = 0; peer < peers.count; peer++) {
      peers.join(peer, relays[peer % relays.length]!);
      this.#wheel.set(peer, this.#sessionMs());
    }
  }

  /** What the peer's clock says is due. */
  due(peer: number, now: number): void {
    const { peers } = this;
    switch (peers.state(peer)) {
      case OFF:
        this.#want(peer, now);
        return;
      case WAITING:
        this.#ask(peer, now);
        return;
      case ASKING:
        this.#unanswered(peer, now);
        if (this.#naive) this.#ask(peer, now);
        return;
      default:
        this.#sessionEnds(peer, now);
    }
  }

  #sessionEnds(peer: number, now: number): void {
    const { peers } = this;
    if (peers.doomed[peer]) {
      this.crash(peer, now);
      return;
    }
    // One user goes, another comes: a login as any other.
    peers.leave(peer, this.relays[peers.relay(peer)]!);
    this.#want(peer, now);
  }

  /** The client ends, and starts again after a while. */
  crash(peer: number, now: number): void {
    const { peers } = this;
    if (peers.state(peer) === ONLINE) peers.leave(peer, this.relays[peers.relay(peer)]!);
    peers.nextRound(peer);
    peers.doomed[peer] = 0;
    peers.become(peer, OFF);
    const away = this.#plan.replay === 'cascade' ? CRASH_RESTART_MS : REBOOT_MS;
    this.#wheel.set(peer, now + this.#between(away) / this.#plan.timeScale);
  }

  /** The relay ends: all of its peers have lost it, and those that asked it hear nothing. */
  end(relay: Relay, now: number, upAtMs: number): void {
    const { peers } = this;
    relay.up = false;
    relay.upAtMs = upAtMs;
    for (let peer = relay.first; peer >= 0; peer = relay.first) {
      peers.leave(peer, relay);
      peers.doomed[peer] = 0;
      this.#want(peer, now);
    }
    relay.restart();
  }

  /** The peer wants to log in, and has not asked yet. */
  #want(peer: number, now: number): void {
    const { peers } = this;
    peers.setWindow(peer, -1);
    peers.setAttempt(peer, 0);
    peers.become(peer, WAITING);
    this.#wheel.set(peer, now + 1 + (this.#naive ? 0 : this.#backoffMs(peer)));
  }

  #backoffMs(peer: number): number {
    return fullJitterMs(this.peers.attempt(peer), BACKOFF, this.#random);
  }

  #ask(peer: number, now: number): void {
    const { peers } = this;
    peers.asks(peer, now);
    if (this.#naive) {
      this.#askSeveral(peer, now);
      return;
    }
    const home = peers.relay(peer);
    // As core/client/link.ts: the relay that it was at comes first.
    const relay = peers.attempt(peer) === 0 && home >= 0 ? this.relays[home]! : this.#listed(now);
    if (relay === null && this.#sheds) {
      this.#waitForRoom(peer, now);
      return;
    }
    this.#wheel.set(peer, now + (relay?.up ? LOGIN_TIMEOUT_MS : this.pace.noAnswerMs));
    if (relay !== null) this.#contact(peer, relay, this.#weight(peer), now);
  }

  /** The old client: due again when it has waited for an answer and then for its time, all in one. */
  #askSeveral(peer: number, now: number): void {
    const { atOnce, listIsDead } = this.#reports;
    const weight = this.#weight(peer);
    if (listIsDead) {
      this.#wheel.park(peer);
      this.#unheard(atOnce, weight);
      return;
    }
    let anyUp = false;
    for (let k = 0; k < atOnce; k++) {
      const relay = this.#reports.ofList();
      if (relay === null) continue;
      anyUp ||= relay.up;
      this.#contact(peer, relay, weight, now);
    }
    this.#wheel.set(peer, now + (anyUp ? NAIVE.answerMs + NAIVE.againMs : naivePeriodMs(this.pace)));
  }

  /** Those who have asked a list on which nobody is left ask it again, or the one that came after it. */
  again(now: number): void {
    const asking = this.#wheel.parked;
    if (asking === 0) return;
    if (this.#reports.listIsDead) {
      this.#unheard(asking * this.#reports.atOnce, 1);
      return;
    }
    for (let peer = this.#wheel.unpark(); peer >= 0; peer = this.#wheel.unpark()) {
      this.#unanswered(peer, now);
      this.#ask(peer, now);
    }
  }

  /** Asks several, none of which is there. */
  #unheard(asked: number, weight: number): void {
    const { counts } = this.#recorder;
    counts.contacts += asked * weight;
    counts.signals += asked * weight * contactPackets(false);
    counts.contactMs += asked * weight * FULL_LOGIN_MS;
    this.#reports.unanswered(asked);
  }

  /** From the list of relays: where relays have a bound it names no more places than there are. */
  #listed(now: number): Relay | null {
    this.#recorder.counts.contacts += 1 / this.#plan.timeScale;
    this.#recorder.counts.signals += LIST_PACKETS / this.#plan.timeScale;
    return this.#sheds ? this.#reports.place(now) : this.#reports.byRoom();
  }

  #waitForRoom(peer: number, now: number): void {
    this.peers.setAttempt(peer, 1);
    this.peers.become(peer, WAITING);
    this.#wheel.set(peer, now + this.#between(FULL_RETRY_MS) / this.#plan.timeScale);
  }

  #contact(peer: number, relay: Relay, weight: number, now: number): void {
    const { peers } = this;
    const { counts } = this.#recorder;
    counts.contacts += weight;
    counts.signals += weight * contactPackets(relay.up);
    counts.contactMs += weight * FULL_LOGIN_MS;
    relay.contacts++;
    if (!relay.up) return;
    const window = this.#recorder.windowAt(now);
    counts.attempts++;
    this.#recorder.attempt(now, peers.window(peer) !== window);
    peers.setWindow(peer, window);
    relay.contactMs += this.costs.fullMs;
    this.#offer(relay, askOf(peer, peers.round(peer)), now);
  }

  /**
   * Contacts and packets are counted as at scale 1: what the outage brings comes as many times as often as the replay is
   * faster, and counts as much less; what a client does again by its clock counts in full.
   */
  #weight(peer: number): number {
    return this.peers.attempt(peer) < this.#eventTries ? this.#eventWeight : 1;
  }

  /** A login of the storm: it costs what any costs, and comes to nothing. */
  storm(relay: Relay, now: number): void {
    const { counts } = this.#recorder;
    counts.contacts++;
    counts.signals += contactPackets(relay.up);
    counts.contactMs += FULL_LOGIN_MS;
    relay.contacts++;
    if (!relay.up) return;
    relay.contactMs += this.costs.fullMs;
    this.#offer(relay, -1, now);
  }

  #offer(relay: Relay, ask: Ask, now: number): void {
    const peer = ask < 0 ? -1 : peerOf(ask);
    if (!this.#sheds) {
      const { queue } = relay;
      if (peer < 0 || queue.size >= this.#hopelessAfter) queue.pushNobody(now);
      else queue.push(peer, roundOf(ask), now);
    } else {
      relay.budget.request(now);
      if (relay.sessions + relay.waiting >= relay.mostPeers) {
        relay.loginMs += this.costs.refusalMs;
        if (peer >= 0) this.#full(peer, relay, now);
        return;
      }
      const told = relay.admission.offer(ask, 'full', now, peer < 0 ? undefined : peer);
      if (told !== null) {
        this.refused(ask, relay, told.retryAfterMs, now);
        return;
      }
    }
    if (relay.busy) return;
    relay.busy = true;
    this.busy.push(relay);
  }

  /** The relay holds as many as it can. */
  #full(peer: number, relay: Relay, now: number): void {
    const { peers } = this;
    this.#recorder.counts.refused++;
    if (this.#naive) return;
    const tries = peers.attempt(peer) + 1;
    peers.setAttempt(peer, tries);
    peers.become(peer, WAITING);
    if (tries <= MOST_REDIRECTS && relay.budget.mayRetry(now)) {
      this.#wheel.set(peer, now + 1 + fullJitterMs(0, BACKOFF, this.#random));
      return;
    }
    this.#waitForRoom(peer, now);
  }

  /** Told to come back in its turn. The old client does not listen. */
  refused(ask: Ask, relay: Relay, retryAfterMs: number, now: number): void {
    relay.loginMs += this.costs.refusalMs;
    if (!this.isWaited(ask, now)) return;
    this.#recorder.counts.refused++;
    if (this.#naive) return;
    const peer = peerOf(ask);
    // It was refused by this relay: its turn is there, and there it comes back.
    this.peers.setRelay(peer, relay.id);
    this.peers.become(peer, WAITING);
    const jitterMs = fullJitterMs(0, BACKOFF, this.#random);
    this.peers.setAttempt(peer, 0);
    this.#wheel.set(peer, now + retryAfterMs + jitterMs);
  }

  /** Whether somebody waits for this answer still. */
  isWaited(ask: Ask, now: number): boolean {
    if (ask < 0) return false;
    const { peers } = this;
    const peer = peerOf(ask);
    if (peers.state(peer) !== ASKING || peers.round(peer) !== roundOf(ask)) return false;
    return !this.#naive || now - peers.askedMs(peer) < NAIVE.answerMs;
  }

  #unanswered(peer: number, now: number): void {
    const { peers } = this;
    peers.nextRound(peer);
    peers.setAttempt(peer, peers.attempt(peer) + 1);
    if (this.#naive) return;
    peers.become(peer, WAITING);
    this.#wheel.set(peer, now + 1 + this.#againMs(peer));
  }

  #againMs(peer: number): number {
    const moves = this.peers.attempt(peer) === 1;
    return moves ? this.#random() * this.pace.moveSpreadMs : this.#backoffMs(peer);
  }

  /** The relay has served a login that somebody waited for. */
  arrived(ask: Ask, relay: Relay, now: number): void {
    const { peers } = this;
    const peer = peerOf(ask);
    const { counts } = this.#recorder;
    counts.logins++;
    counts.signals += ARRIVAL_PACKETS / this.#plan.timeScale;
    peers.setAttempt(peer, 0);
    peers.join(peer, relay);
    if (peers.crashes[peer] && this.chances.crashAgain > 0 && this.#random() < this.chances.crashAgain) {
      peers.doomed[peer] = 1;
      this.#wheel.set(peer, now + this.#between(CRASH_AFTER_MS) / this.#plan.timeScale);
      return;
    }
    this.#wheel.set(peer, now + this.#sessionMs());
  }

  #sessionMs(): number {
    return -Math.log(1 - this.#random()) * this.#sessionMeanMs;
  }

  #between({ least, most }: { least: number; most: number }): number {
    return least + (most - least) * this.#random();
  }
}
