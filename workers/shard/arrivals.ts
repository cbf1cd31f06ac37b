/**
 * A peer's flags in the presence table: away, as it says; open to all, as the directory says. A peer arrives as not open
 * to all. What the directory says of it is taken only while no newer write is known, so that a policy that was changed
 * meanwhile is never overlooked; until then others ask the directory about it, which is slower and no less right.
 */
import type { KnownPolicy } from '../../core/identity/ticket.ts';
import type { PresenceChange } from '../../core/threads/messages.ts';
import { PRESENCE_AWAY, PRESENCE_PLAIN, type PresenceTable } from '../../core/threads/presence.ts';
import { policyOf, type Versions } from '../../core/threads/versions.ts';
import type { Asks } from './asks.ts';
import { isFailure } from './requests.ts';
import { LIVE, type Session } from './session.ts';

/** Stale answers in a row after which the peer is asked for again at the next sweep only. */
const MAX_TRIES = 4;

export interface ArrivalsHost {
  readonly index: number;
  readonly presence: PresenceTable;
  readonly versions: Versions;
  readonly asks: Asks;
  /** For the main thread (change-posts.ts). */
  changed(change: PresenceChange): void;
  /** Asks for a turn: `flush` will be called. */
  schedule(): void;
}

export class Arrivals {
  readonly #host: ArrivalsHost;
  /** Sessions of which the directory could not say it: asked for again by `retry`. */
  readonly #unknown = new Set<Session>();
  /** Sessions that said in this turn whether they are away, with what was known before. */
  readonly #statuses = new Map<Session, boolean>();

  constructor(host: ArrivalsHost) {
    this.#host = host;
  }

  /** The peer is in, and may use everything already. */
  arrived(session: Session, known: KnownPolicy | null): void {
    if (known === null) this.#ask(session, MAX_TRIES);
    else this.#take(session, known, MAX_TRIES);
  }

  /** The peer's policy was changed, here or on another shard. */
  plain(session: Session, plain: boolean): void {
    this.#unknown.delete(session);
    this.#setFlag(session, PRESENCE_PLAIN, plain);
  }

  away(session: Session, away: boolean): void {
    const before = (session.presenceFlags & PRESENCE_AWAY) !== 0;
    if (before === away) return;
    if (!this.#statuses.has(session)) this.#statuses.set(session, before);
    this.#setFlag(session, PRESENCE_AWAY, away);
    this.#host.schedule();
  }

  /** Tells the main thread who is away or back: once per turn, however often a peer changed its mind. */
  flush(): void {
    if (this.#statuses.size === 0) return;
    for (const [session, before] of this.#statuses) {
      const away = (session.presenceFlags & PRESENCE_AWAY) !== 0;
      if (session.state === LIVE && away !== before) this.#host.changed({ peer: session.key!, away });
    }
    this.#statuses.clear();
  }

  /** Asks again where the directory could not say. Now and then. */
  retry(): void {
    const sessions = [...this.#unknown];
    this.#unknown.clear();
    for (const session of sessions) this.#ask(session, MAX_TRIES);
  }

  forget(session: Session): void {
    this.#unknown.delete(session);
    this.#statuses.delete(session);
  }

  #ask(session: Session, tries: number): void {
    if (tries === 0) {
      this.#unknown.add(session);
      return;
    }
    this.#host.asks.ask<'arrive'>(session, { t: 'arrive', peer: session.key! }, (answer) => {
      if (isFailure(answer)) this.#unknown.add(session);
      else this.#take(session, answer, tries - 1);
    });
  }

  #take(session: Session, { plain, version }: KnownPolicy, tries: number): void {
    if (this.#host.versions.current(policyOf(session.key!)) === version)
      this.#setFlag(session, PRESENCE_PLAIN, plain);
    else this.#ask(session, tries);
  }

  #setFlag(session: Session, flag: number, on: boolean): void {
    const flags = on ? session.presenceFlags | flag : session.presenceFlags & ~flag;
    if (flags === session.presenceFlags) return;
    session.presenceFlags = flags;
    const { presence, index } = this.#host;
    const { slot, generation } = session;
    presence.setFlags(session.key!, { shard: index, slot, generation, flags }, flags);
  }
}
