/** Whom a user watches. */
import { Draws } from './draws.ts';
import * as mix from './supernode-mix.ts';

/** A user's number, or the key of somebody who is not here. */
export type Contact = number | Uint8Array;

/** The same list each time: it is drawn from the seed and the user, so that nothing needs to be kept. */
export function contactsOf(user: number, users: number, seed: number): Contact[] {
  const draws = new Draws(Math.imul(user + 1, 0x9e3779b1) ^ seed);
  const drawn = Math.round(draws.lognormal(mix.CONTACTS_MEDIAN, mix.CONTACTS_SIGMA));
  const count = Math.min(mix.CONTACTS_MOST, Math.max(1, drawn));
  return Array.from({ length: count }, () =>
    draws.chance(mix.ABSENT_SHARE) ? absentKey(draws) : draws.below(users),
  );
}

function absentKey(draws: Draws): Uint8Array {
  return Uint8Array.from({ length: 32 }, () => draws.below(256));
}
