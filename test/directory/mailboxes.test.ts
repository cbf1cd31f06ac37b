import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readMail, readMailbox, readMailExpiryKey, seqOfMail } from '../../core/directory/rows.ts';
import {
  MAIL_WINDOW_BYTES,
  MAIL_WINDOW_MESSAGES,
  MAX_MAILBOX_BYTES,
  MAX_MAILBOX_MESSAGES,
  MAX_MAILBOX_RECEIPTS,
  MAX_MESSAGE_BYTES,
  MAX_MESSAGE_LIFE_MS,
} from '../../core/protocol/limits.ts';
import type { Mail, WriteAsk } from '../../core/threads/directory-messages.ts';
import { limit } from '../fixtures/limits.ts';
import { MailModel } from './mail-model.ts';
import { answered, codeOf, DAY_MS, HOUR_MS, identity, messageId, World } from './world.ts';

const [alice, bob, carol] = [identity(0), identity(1), identity(2)];

function worldWithRecords(): World {
  const world = new World();
  for (const peer of [alice, bob, carol]) world.publish(peer);
  return world;
}

/** All that is in the mailbox, window after window, as a session that acknowledges nothing would be sent it. */
async function mailOf(world: World, peer: typeof alice): Promise<Mail[]> {
  const all: Mail[] = [];
  for (let more = true; more; ) {
    const page = answered(await world.read({ t: 'mail', peer: peer.publicKey, after: all.at(-1)?.seq ?? 0 }));
    all.push(...page.mail);
    more = page.more;
  }
  return all;
}

function acknowledge(world: World, peer: typeof alice, seq: number) {
  return world.write({ t: 'mail-ack', peer: peer.publicKey, seq });
}

function sweep(world: World, most = 1_000) {
  return answered(world.write({ t: 'sweep', nowMs: world.nowMs, most }));
}

describe('a message', () => {
  test('waits for its receiver, and is there until it is acknowledged', async () => {
    const world = worldWithRecords();
    expect(world.send(bob, alice, 1)).toEqual({ t: 'send', duplicate: false });
    const expected = {
      seq: 1,
      from: bob.publicKey,
      id: messageId(1),
      sentMs: world.nowMs,
      bytes: Uint8Array.of(1),
    };
    expect(await mailOf(world, alice)).toEqual([expected]);
    await world.reopen();
    expect(await mailOf(world, alice)).toEqual([expected]);
    expect(acknowledge(world, alice, 1)).toEqual({ t: 'mail-ack', told: [bob.publicKey] });
    expect(await mailOf(world, alice)).toEqual([]);
  });

  test('becomes a receipt for its sender, which becomes nothing', async () => {
    const world = worldWithRecords();
    world.send(bob, alice, 1);
    world.nowMs += HOUR_MS;
    acknowledge(world, alice, 1);
    expect(await mailOf(world, bob)).toEqual([
      { seq: 1, from: alice.publicKey, id: messageId(1), sentMs: world.nowMs, receipt: 'delivered' },
    ]);
    expect(acknowledge(world, bob, 1)).toEqual({ t: 'mail-ack', told: [] });
    for (const table of ['mail', 'mailIds', 'mailExpiries'] as const) {
      expect(world.store.tables[table].count(), table).toBe(0);
    }
  });

  test('that is sent twice is kept once while it is in the mailbox', async () => {
    const world = worldWithRecords();
    const ask = world.message(bob, alice, 1);
    expect(world.directory.write([ask, ask])).toEqual([
      { t: 'send', duplicate: false },
      { t: 'send', duplicate: true },
    ]);
    expect(world.send(carol, alice, 1)).toEqual({ t: 'send', duplicate: false });
    expect((await mailOf(world, alice)).map(({ seq }) => seq)).toEqual([1, 2]);
    acknowledge(world, alice, 2);
    expect(world.send(bob, alice, 1)).toEqual({ t: 'send', duplicate: false });
    expect((await mailOf(world, alice)).map(({ seq }) => seq)).toEqual([3]);
  });

  test('expires: its sender is told, and once only', async () => {
    const world = worldWithRecords();
    world.send(bob, alice, 1, Uint8Array.of(1), HOUR_MS);
    world.nowMs += HOUR_MS - 1;
    expect(sweep(world)).toMatchObject({ messages: 0, told: [] });
    world.nowMs += 1;
    expect(sweep(world)).toMatchObject({ messages: 1, told: [bob.publicKey], more: false });
    expect(await mailOf(world, alice)).toEqual([]);
    expect(acknowledge(world, alice, 1)).toMatchObject({ told: [] });
    expect(await mailOf(world, bob)).toMatchObject([{ receipt: 'expired', id: messageId(1) }]);
  });

  test('is swept a bounded number at a time', () => {
    const world = worldWithRecords();
    for (let n = 0; n < 5; n++) world.send(bob, alice, n, Uint8Array.of(1), HOUR_MS);
    world.nowMs += HOUR_MS;
    expect(sweep(world, 3)).toMatchObject({ messages: 3, more: true });
    expect(sweep(world, 3)).toMatchObject({ messages: 2, more: false });
    limit('swept at once').sees();
  });

  test('to a peer that is not there, has no record, or does not want it, is refused in the same words', () => {
    const world = worldWithRecords();
    world.publish(identity(3), { expiresMs: world.nowMs + 1 });
    world.online(identity(4));
    world.nowMs += 1;
    world.setPolicy(alice, { block: [bob.publicKey] });
    world.setPolicy(carol, { reach: 'contacts' });
    const answers = [alice, carol, identity(3), identity(4), identity(5)].map((to) => world.send(bob, to, 1));
    for (const answer of answers) expect(answer).toEqual(answers[0]);
    expect(codeOf(answers[0]!)).toBe('refused');
    expect(world.store.tables.mail.count()).toBe(0);
  });

  test('to oneself is a message as any other', async () => {
    const world = worldWithRecords();
    world.send(alice, alice, 1);
    expect(acknowledge(world, alice, 1)).toMatchObject({ told: [alice.publicKey] });
    expect(await mailOf(world, alice)).toMatchObject([{ seq: 2, receipt: 'delivered' }]);
  });
});

describe('a mailbox', () => {
  test('takes so many messages and no more, and has room again for each that is taken', () => {
    const world = worldWithRecords();
    const asks = (from: number, count: number) =>
      Array.from({ length: count }, (_, n) => world.message(bob, alice, from + n));
    const codes = new Set(world.directory.write(asks(0, MAX_MAILBOX_MESSAGES)).map(codeOf));
    expect(codes).toEqual(new Set([null]));
    expect(codeOf(world.send(bob, alice, 5_000))).toBe('mailbox-full');
    // What is in it already has been stored, full or not.
    expect(world.send(bob, alice, 3)).toEqual({ t: 'send', duplicate: true });
    acknowledge(world, alice, 2);
    expect(world.directory.write(asks(6_000, 3)).map(codeOf)).toEqual([null, null, 'mailbox-full']);
  });

  test('takes so many bytes and no more', () => {
    const world = worldWithRecords();
    const large = new Uint8Array(MAX_MESSAGE_BYTES);
    const fitting = MAX_MAILBOX_BYTES / MAX_MESSAGE_BYTES;
    for (let n = 0; n < fitting; n++) expect(codeOf(world.send(bob, alice, n, large))).toBeNull();
    expect(codeOf(world.send(bob, alice, 5_000))).toBe('mailbox-full');
    expect(codeOf(world.send(bob, alice, 5_001, new Uint8Array(0)))).toBeNull();
    acknowledge(world, alice, 1);
    expect(codeOf(world.send(bob, alice, 5_002, large))).toBeNull();
  });

  test('keeps the newest receipts, and messages among them untouched', async () => {
    const world = worldWithRecords();
    let receiptsDropped = 0;
    const receipts = (first: number, count: number) => {
      world.directory.write(Array.from({ length: count }, (_, n) => world.message(bob, alice, first + n)));
      const acked = acknowledge(world, alice, Number.MAX_SAFE_INTEGER) as { receiptsDropped?: number };
      receiptsDropped += acked.receiptsDropped ?? 0;
    };
    receipts(0, 600);
    world.send(carol, bob, 9_000);
    receipts(600, 600);
    world.send(carol, bob, 9_001);
    receipts(1_200, 600);
    const mail = await mailOf(world, bob);
    const numbers = mail.map(({ id }) => new DataView(id.buffer, id.byteOffset).getUint32(12));
    const kept = Array.from({ length: MAX_MAILBOX_RECEIPTS }, (_, n) => 800 + n);
    const expected = [9_000, ...kept.filter((n) => n < 1_200), 9_001, ...kept.filter((n) => n >= 1_200)];
    expect(numbers).toEqual(expected);
    expect(readMailbox(world.store.tables.mailboxes.get(bob.publicKey))).toMatchObject({
      messages: 2,
      receipts: MAX_MAILBOX_RECEIPTS,
    });
    expect(receiptsDropped).toBe(1_800 - MAX_MAILBOX_RECEIPTS);
    limit('receipts in a mailbox').sees({ stats: { directory: { receiptsDropped } } });
  });

  test('forgets receipts that nobody comes for', () => {
    const world = worldWithRecords();
    world.send(identity(7), alice, 1);
    acknowledge(world, alice, 1);
    world.nowMs += MAX_MESSAGE_LIFE_MS;
    expect(sweep(world)).toMatchObject({ messages: 0, told: [] });
    expect(world.store.tables.mail.count()).toBe(0);
  });

  test('is read a window at a time, by count and by bytes, and at least one message', async () => {
    const world = worldWithRecords();
    const window = async (after: number) =>
      answered(await world.read({ t: 'mail', peer: alice.publicKey, after }));
    for (let n = 0; n < MAIL_WINDOW_MESSAGES + 2; n++) world.send(bob, alice, n);
    expect((await window(0)).mail.length).toBe(MAIL_WINDOW_MESSAGES);
    expect((await window(0)).more).toBe(true);
    expect((await window(2)).mail.length).toBe(MAIL_WINDOW_MESSAGES);
    expect((await window(2)).more).toBe(false);
    expect(await window(Number.MAX_SAFE_INTEGER)).toEqual({ t: 'mail', mail: [], more: false });
    const large = new Uint8Array(MAX_MESSAGE_BYTES);
    for (let n = 0; n < 20; n++) world.send(carol, bob, n, large);
    const { mail, more } = answered(await world.read({ t: 'mail', peer: bob.publicKey, after: 0 }));
    expect([mail.length, more]).toEqual([MAIL_WINDOW_BYTES / MAX_MESSAGE_BYTES, true]);
  });
});

const PEERS = [alice, bob, carol];
const peer = fc.nat(PEERS.length - 1);
const act = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('send' as const),
      from: peer,
      to: peer,
      id: fc.nat(6),
      lifeMs: fc.constantFrom(1_000, 4_000, DAY_MS),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('ack' as const), peer, seq: fc.nat(12) }) },
);
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('batch' as const),
      acts: fc.array(act, { minLength: 1, maxLength: 6 }),
      crashAfterWrites: fc.option(fc.nat(15), { freq: 5 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.constantFrom(700, 3_000) }) },
  { weight: 1, arbitrary: fc.constant({ do: 'sweep' as const }) },
  { weight: 1, arbitrary: fc.constant({ do: 'reopen' as const }) },
);

test('mailboxes hold what a plain model does, whatever is sent, taken, expires, fails or restarts', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 25 }), async (steps) => {
      const world = worldWithRecords();
      let model = new MailModel();
      for (const one of steps) {
        if (one.do === 'wait') world.nowMs += one.ms;
        if (one.do === 'reopen') await world.reopen();
        if (one.do === 'sweep') expect(sweep(world).messages).toBe(model.sweep(world.nowMs));
        if (one.do === 'batch') {
          const next = model.copy();
          const expected: (boolean | null)[] = [];
          const asks = one.acts.map((each): WriteAsk => {
            if (each.do === 'ack') {
              next.acknowledge(each.peer, each.seq, world.nowMs);
              expected.push(null);
              return { t: 'mail-ack', peer: PEERS[each.peer]!.publicKey, seq: each.seq };
            }
            expected.push(next.send(each.from, each.to, each.id, world.nowMs, each.lifeMs));
            return world.message(PEERS[each.from]!, PEERS[each.to]!, each.id, undefined, each.lifeMs);
          });
          world.store.writesLeft = one.crashAfterWrites ?? Number.POSITIVE_INFINITY;
          const answers = world.directory.write(asks);
          const isCrash = world.store.writesLeft < 0;
          world.store.writesLeft = Number.POSITIVE_INFINITY;
          if (isCrash) {
            expect(new Set(answers.map(codeOf))).toEqual(new Set(['directory-full']));
          } else {
            expect(answers.map((answer) => ('duplicate' in answer ? answer.duplicate : null))).toEqual(
              expected,
            );
            model = next;
          }
        }
        await expectSame(world, model);
      }
      await world.store.close();
    }),
    { numRuns: 150 },
  );
});

/** What is delivered, and every table that follows from it. */
async function expectSame(world: World, model: MailModel): Promise<void> {
  const { tables } = world.store;
  let mail = 0;
  let messages = 0;
  for (const [number, peer] of PEERS.entries()) {
    const { letters, nextSeq } = model.box(number);
    expect(await mailOf(world, peer)).toEqual(
      letters.map(({ seq, from, id, sentMs, receipt }) => ({
        seq,
        from: PEERS[from]!.publicKey,
        id: messageId(id),
        sentMs,
        ...(receipt ? { receipt } : { bytes: Uint8Array.of(id) }),
      })),
    );
    const box = readMailbox(tables.mailboxes.get(peer.publicKey));
    const count = letters.filter(({ receipt }) => !receipt).length;
    expect(box).toMatchObject({ nextSeq, messages: count, bytes: count, receipts: letters.length - count });
    mail += letters.length;
    messages += count;
  }
  expect(tables.mail.count()).toBe(mail);
  expect(tables.mailIds.count()).toBe(messages);
  expect(tables.mailExpiries.count()).toBe(mail);
  const expiries = [...tables.mailExpiries.range({})].map(([key]) => readMailExpiryKey(key));
  for (const [key, value] of tables.mail.range({})) {
    const peer = key.slice(0, 32);
    expect(expiries).toContainEqual({ expiresMs: readMail(value).expiresMs, peer, seq: seqOfMail(key) });
  }
}
