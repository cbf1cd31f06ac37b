import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Farewells } from '../../workers/shard/farewells.ts';
import type { Session } from '../../workers/shard/session.ts';

/** What a farewell costs here; a slice is 0.5 ms. */
const COST_MS = 0.2;

let now = 1_000;
let said: string[] = [];
let faults: string[] = [];
beforeEach(() => {
  now = 1_000;
  said = [];
  faults = [];
  vi.spyOn(performance, 'now').mockImplementation(() => now);
});
afterEach(() => {
  vi.restoreAllMocks();
});

function sessionOf(name: string, broken = false): Session {
  const socket = {
    send() {
      if (broken) throw new Error(name);
    },
    end(code: number, reason: string) {
      now += COST_MS;
      said.push(`${name} ${code} ${reason}`);
    },
  };
  return { socket, socketGone: false } as unknown as Session;
}

const farewells = () => new Farewells((_session, error) => faults.push((error as Error).message));
const add = (to: Farewells, session: Session) =>
  to.add({ session, code: 'busy', messages: [new Uint8Array(1)] });

test('of one turn take no longer than a slice; the others are said in the next, in their order', () => {
  const due = farewells();
  for (const name of ['a', 'b', 'c', 'd', 'e']) add(due, sessionOf(name));
  expect(due.say()).toBe(true);
  expect(said).toEqual(['a 1008 busy', 'b 1008 busy', 'c 1008 busy']);
  add(due, sessionOf('f'));
  expect(due.say()).toBe(false);
  expect(said.slice(3)).toEqual(['d 1008 busy', 'e 1008 busy', 'f 1008 busy']);
  expect(due.say()).toBe(false);
});

test('all are said before the thread ends, and one that throws costs no other', () => {
  const due = farewells();
  add(due, sessionOf('a'));
  add(due, sessionOf('broken', true));
  for (const name of ['b', 'c', 'd']) add(due, sessionOf(name));
  const gone = sessionOf('gone');
  gone.socketGone = true;
  add(due, gone);
  due.sayAll();
  expect(said.map((line) => line[0])).toEqual(['a', 'b', 'c', 'd']);
  expect(faults).toEqual(['broken']);
});
