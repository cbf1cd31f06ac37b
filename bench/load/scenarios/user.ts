/** Somebody who comes and leaves, over and over, with one key. What is asked of them waits until they are in. */
import type { Identity } from '../../../core/identity/identity.ts';
import type { ControlPeer } from './control-peer.ts';

export class User {
  readonly identity: Identity;
  /** Comings and leavings, one after the other. */
  #life: Promise<unknown> = Promise.resolve();
  /** Null while out, or on the way. */
  peer: ControlPeer | null = null;
  /** Calls, conversations and news that this user has a part in. */
  #engagements = 0;
  #disengaged: (() => void) | null = null;

  constructor(identity: Identity) {
    this.identity = identity;
  }

  /**
   * Comes in, once everything before it is over. The user is engaged from the first moment, so that a leaving that is
   * due already waits for what the coming brings with it: a call to `disengage` must follow.
   */
  come(logIn: () => Promise<ControlPeer>): Promise<ControlPeer> {
    const came = this.#life.then(async () => {
      this.peer = await logIn();
      this.#engagements++;
      return this.peer;
    });
    this.#life = came;
    return came;
  }

  /** Waits until the user has no part in anything, then says farewell and leaves. */
  leave(farewell: (peer: ControlPeer) => Promise<void>): Promise<void> {
    const left = this.#life.then(async () => {
      if (this.#engagements > 0) {
        await new Promise<void>((resolve) => {
          this.#disengaged = resolve;
        });
      }
      const { peer } = this;
      if (!peer) return;
      await farewell(peer);
      this.peer = null;
      peer.leave();
    });
    this.#life = left;
    return left;
  }

  /** Waits for the peer to be in. A call to `disengage` must follow. */
  async engage(): Promise<ControlPeer> {
    await this.#life;
    // Only now: to count before would keep a leaving that this must wait for from its end.
    this.#engagements++;
    if (!this.peer) throw new Error('A user who is out was asked for.');
    return this.peer;
  }

  disengage(): void {
    if (--this.#engagements === 0) this.#disengaged?.();
  }
}
