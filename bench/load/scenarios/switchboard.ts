/** Where an offer finds the part of the load that its opener belongs to: both ends of every channel are in this process. */

import { LoadFault } from '../fault.ts';
import type { ControlPeer, Offer, PeerHost } from './control-peer.ts';

export type Answer = (callee: ControlPeer, offer: Offer) => void;

export class Switchboard implements PeerHost {
  readonly #expected = new Map<string, Answer>();
  readonly #fail: (fault: LoadFault) => void;
  #nextName = 0;

  /** @param fail called with the first thing that makes the result worthless, and with every later one. */
  constructor(fail: (fault: LoadFault) => void) {
    this.#fail = fail;
  }

  /** @returns the name to open a channel by. */
  expect(answer: Answer): string {
    const name = `bench ${this.#nextName++}`;
    this.#expected.set(name, answer);
    return name;
  }

  forget(name: string): void {
    this.#expected.delete(name);
  }

  offered(callee: ControlPeer, offer: Offer): void {
    const answer = this.#expected.get(offer.protocol);
    if (!answer)
      throw new LoadFault(
        'corrupted',
        `An offer came for "${offer.protocol.slice(0, 64)}", which nobody made.`,
      );
    this.#expected.delete(offer.protocol);
    answer(callee, offer);
  }

  broke(fault: LoadFault): void {
    this.#fail(fault);
  }
}
