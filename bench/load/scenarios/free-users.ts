/** Users of whom one is to be picked at random, in constant time: an array without gaps, and where each user is in it. */
import type { Draws } from './draws.ts';

const NOWHERE = -1;

export class FreeUsers {
  readonly #users: number[] = [];
  readonly #placeOf: Int32Array;

  /** @param users of 0 to users - 1; none is in at first. */
  constructor(users: number) {
    this.#placeOf = new Int32Array(users).fill(NOWHERE);
  }

  get size(): number {
    return this.#users.length;
  }

  add(user: number): void {
    if (this.#placeOf[user] !== NOWHERE) return;
    this.#placeOf[user] = this.#users.length;
    this.#users.push(user);
  }

  /** Picks one, who stays in; undefined when there is none. */
  pick(draws: Draws): number | undefined {
    return this.#users[draws.below(this.#users.length)];
  }

  /** Picks one and takes it out; undefined when there is none. */
  take(draws: Draws): number | undefined {
    const user = this.pick(draws);
    if (user === undefined) return undefined;
    const place = this.#placeOf[user]!;
    const last = this.#users.pop()!;
    if (last !== user) {
      this.#users[place] = last;
      this.#placeOf[last] = place;
    }
    this.#placeOf[user] = NOWHERE;
    return user;
  }
}
