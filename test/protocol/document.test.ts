/** Holds docs/protocol.md to the code: its tables, its texts and every byte of its example. */
import { createHash, createPrivateKey, createPublicKey, sign } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readBundle } from '../../core/protocol/bundle.ts';
import type { Control } from '../../core/protocol/control.ts';
import { CLOSE_REASONS, WIRE_ERROR_CODES } from '../../core/protocol/errors.ts';
import * as limits from '../../core/protocol/limits.ts';
import { earlyText, loginText, resumeText } from '../../core/protocol/login-text.ts';
import { DEFAULT_PORT, SUBPROTOCOL } from '../../core/protocol/names.ts';
import * as ops from '../../core/protocol/ops.ts';
import { bytesOf, hexOf, loginVectors } from './vectors.ts';

const DIRECTORY_OPS = Object.entries(ops)
  .filter(([name, code]) => name.startsWith('OP_') && ops.isDirectoryOp(code as number))
  .map(([, code]) => code as number);

const document = readFileSync(new URL('../../docs/protocol.md', import.meta.url), 'utf8');

/** The text of a section, such as '7' or '6.5', up to the next heading. */
function section(number: string): string {
  const start = document.search(new RegExp(`^#+ ${number.replace('.', '\\.')}\\.? `, 'm'));
  expect(start, `section ${number}`).toBeGreaterThan(0);
  const rest = document.slice(document.indexOf('\n', start));
  const end = rest.search(number.includes('.') ? /^#{2,3} /m : /^## /m);
  return end < 0 ? rest : rest.slice(0, end);
}

/** Rows of all tables of a text, without their heads. */
function rows(text: string): string[][] {
  return text
    .split('\n')
    .filter((line, i, all) => line.startsWith('|') && !/^\|-/.test(line) && !/^\|-/.test(all[i + 1] ?? ''))
    .map((line) =>
      line
        .slice(1, -1)
        .split('|')
        .map((cell) => cell.trim()),
    );
}

describe('docs/protocol.md', () => {
  it('lists every op with its number', () => {
    const table = new Map(rows(section('3')).map(([number, name]) => [name, number]));
    const codes = Object.entries(ops)
      .filter(([name]) => name.startsWith('OP_') && name !== 'OP_DATA' && name !== 'OP_END')
      .map(([name, code]) => [name.slice(3).toLowerCase(), `0x${(code as number).toString(16)}`]);
    expect(table.get('data')).toBe('0x10-0x14');
    expect(table.get('end of stream')).toBe('0x18-0x1c');
    table.delete('data');
    table.delete('end of stream');
    expect(table).toEqual(new Map(codes as [string, string][]));
  });

  it('lists the priority classes', () => {
    const classes = rows(section('1')).filter(([number]) => /^\d$/.test(number!));
    expect(classes.map(([number, name]) => [Number(number), name])).toEqual([...ops.PRIORITIES.entries()]);
  });

  it('lists every error code', () => {
    const codes = rows(section('7')).filter((row) => row.length === 4);
    expect(codes.map(([code]) => code)).toEqual([...WIRE_ERROR_CODES]);
    for (const [, , fatal] of codes) expect(['yes', 'no']).toContain(fatal);
  });

  it('names in section 10 only codes that exist', () => {
    const named = [...section('10').matchAll(/error `([a-z-]+)`/g)].map(([, code]) => code!);
    expect(named.length).toBeGreaterThan(10);
    for (const code of named) expect(WIRE_ERROR_CODES).toContain(code);
  });

  it('lists every reason to close', () => {
    expect(rows(section('6.5')).map(([reason]) => reason)).toEqual([...CLOSE_REASONS]);
  });

  it('states the limits of the code', () => {
    const table = new Map(
      rows(section('9')).map(([limit, value]) => [limit!, Number(value!.replace(/[^\d]/g, ''))]),
    );
    expect(Object.fromEntries(table)).toEqual({
      'message (bundle)': limits.MAX_BUNDLE_BYTES,
      'data frame': limits.MAX_FRAME_BYTES,
      payload: limits.MAX_PAYLOAD_BYTES,
      'control frame': limits.MAX_CONTROL_BYTES,
      'nesting in a control frame': limits.MAX_CONTROL_DEPTH,
      'entries of a map or array in a control frame': limits.MAX_CONTROL_ENTRIES,
      'channel ends of a session, pending ones included': limits.MAX_CHANNELS_PER_SESSION,
      'offers that wait for one callee': limits.MAX_OFFERS_PENDING,
      'time to answer an offer': limits.OFFER_TIMEOUT_MS,
      'life of a realtime frame': limits.MAX_PACKET_LIFE_MS,
      'protocol of a channel': limits.MAX_CHANNEL_PROTOCOL_BYTES,
      'outstanding credit of a channel end': limits.MAX_CHANNEL_CREDIT_BYTES,
      'outstanding credit of a session': limits.MAX_SESSION_CREDIT_BYTES,
      'realtime bytes that wait for one receiver': limits.MAX_REALTIME_QUEUE_BYTES,
      'control bytes that wait for one receiver': limits.MAX_CONTROL_QUEUE_BYTES,
      'time to log in': limits.LOGIN_TIMEOUT_MS,
      'client version text': limits.MAX_CLIENT_VERSION_BYTES,
      ticket: limits.MAX_TICKET_BYTES,
      'life of a ticket': limits.TICKET_LIFETIME_MS,
      'silence before a relay ends a connection': limits.IDLE_TIMEOUT_SECONDS,
    });
  });

  it('states the limits of the directory of the code', () => {
    const hours = (ms: number) => `${ms / 3_600_000} hours`;
    const days = (ms: number) => `${ms / 86_400_000} days`;
    const n = (count: number) => count.toLocaleString('en-US');
    const bytes = (count: number) => `${n(count)} bytes`;
    expect(Object.fromEntries(rows(section('12.11')))).toEqual({
      'frame of the ops 0x40-0x54': bytes(limits.MAX_DIRECTORY_FRAME_BYTES),
      name: `${limits.MIN_NAME_CHARACTERS} code points to ${bytes(limits.MAX_NAME_BYTES)}`,
      profile: bytes(limits.MAX_PROFILE_BYTES),
      record: bytes(limits.MAX_RECORD_BYTES),
      'life of a record, from its publishing': days(limits.MAX_RECORD_LIFE_MS),
      'findable after it was last seen': hours(limits.RECORD_TTL_MS),
      'keys or results in one frame': n(limits.MAX_KEYS_PER_FRAME),
      vault: bytes(limits.MAX_VAULT_BYTES),
      'keys on the list of the allowed, of the blocked': `${n(limits.MAX_LIST_KEYS)} each`,
      'watches of a session': n(limits.MAX_WATCHES_PER_SESSION),
      'changes of presence are gathered for': `${limits.PRESENCE_GATHER_MS} ms`,
      "requests of a session that wait for the directory's workers": `${limits.MAX_REQUESTS_PENDING}, and as many acknowledgements`,
      'searches of a peer': `${limits.SEARCH_BURST} at once, then ${limits.SEARCHES_PER_SEC} a second`,
      'writes of a peer (publish, vault_put, policy_set, send)': `${limits.WRITE_BURST} at once, then ${limits.WRITES_PER_SEC} a second`,
      message: bytes(limits.MAX_MESSAGE_BYTES),
      'messages in a mailbox': `${n(limits.MAX_MAILBOX_MESSAGES)}, and ${bytes(limits.MAX_MAILBOX_BYTES)}`,
      'receipts in a mailbox': n(limits.MAX_MAILBOX_RECEIPTS),
      'life of a message': days(limits.MAX_MESSAGE_LIFE_MS),
      'mail under way to a session': `${limits.MAIL_WINDOW_MESSAGES} items, and ${bytes(limits.MAIL_WINDOW_BYTES)}`,
    });
    const [first, last] = [Math.min(...DIRECTORY_OPS), Math.max(...DIRECTORY_OPS)];
    expect([first, last]).toEqual([0x40, 0x54]);
    expect(limits.MAX_SEARCH_RESULTS).toBe(limits.MAX_KEYS_PER_FRAME);
  });

  it('names the subprotocol and the port', () => {
    expect(section('2')).toContain(`\`${SUBPROTOCOL}\``);
    expect(section('2')).toContain(`port is ${DEFAULT_PORT}`);
  });

  it.each([
    { number: '5.2', fields: ['relay', 'nonce', 'peer', 'client'] as const },
    { number: '5.3', fields: ['relay', 'nonce', 'client'] as const },
    { number: '5.6', fields: ['relay', 'age', 'client'] as const },
  ])('gives the bytes of the text in section $number', ({ number, fields }) => {
    const all = section(number);
    const table = rows(all.slice(all.search(/The \*\*\w+ text\*\*/))).filter(([offset]) =>
      /^\d+$/.test(offset!),
    );
    const domain = /`((?:[0-9a-f]{2} ?)+)`/.exec(table[0]![2]!)![1]!.replaceAll(' ', '');
    const relay = new Uint8Array(32).fill(1);
    const nonce = new Uint8Array(32).fill(2);
    const peer = new Uint8Array(32).fill(3);
    const client = 'é/1';
    const age = Uint8Array.of(1, 2, 3, 4, 5, 6);
    const text = {
      '5.2': () => loginText(relay, nonce, peer, client),
      '5.3': () => resumeText(relay, nonce, client),
      '5.6': () => earlyText(relay, 0x0102_0304_0506, client),
    }[number]!();
    const parts = { relay, nonce, peer, age, client: new TextEncoder().encode(client) };
    expect(hexOf(text.subarray(0, Number(table[1]![0])))).toBe(domain);
    expect(Number(table[0]![1])).toBe(domain.length / 2);
    fields.forEach((field, i) => {
      const [offset, , content] = table[i + 1]!;
      expect(content).toContain(`\`${field}\``);
      const from = Number(offset);
      expect(hexOf(text.subarray(from, from + parts[field].length))).toBe(hexOf(parts[field]));
    });
    const length = Number(table.at(-1)![0]) + parts.client.length;
    expect(text.length).toBe(length);
  });
});

describe('the worked example', () => {
  type Step = {
    title: string;
    frames: (Control | { op: number; label: number; payload: string })[];
    bytes: number;
  };
  const steps: Step[] = [...section('11').matchAll(/^(.+):\n\n```hex\n([\s\S]*?)```/gm)].map(
    ([, title, block]) => {
      const bytes = bytesOf(block!.replace(/;.*$/gm, '').replace(/\s/g, ''));
      const frames: Step['frames'] = [];
      readBundle(bytes, {
        data: (op, label, payload) => frames.push({ op, label, payload: Buffer.from(payload).toString() }),
        control: (frame) => frames.push(frame),
      });
      return { title: title!, frames, bytes: bytes.length };
    },
  );
  const step = (title: string) => steps.find((one) => one.title.startsWith(title))!;
  const body = (title: string) => (step(title).frames[0] as Control).body as Record<string, unknown>;
  const keys = rows(section('11')).map((row) => row.map((cell) => cell.replaceAll('`', '')));

  it('has a frame of the op that its title says in every block, and can be read to its last byte', () => {
    expect(steps.length).toBe(14);
    const table = new Map(rows(section('3')).map(([number, name]) => [name, Number(number)]));
    for (const { title, frames } of steps) {
      const named = /`([a-z]+)`/.exec(title)?.[1];
      if (named) expect(frames.map(({ op }) => op)).toEqual([table.get(named)]);
      else expect(frames.map(({ op }) => op)).toEqual([0x12, 0x1a]);
    }
  });

  it('has the keys of its seeds and a signature that any client would make', () => {
    const pkcs8 = (seed: string) =>
      createPrivateKey({
        key: Buffer.from(`302e020100300506032b657004220420${seed}`, 'hex'),
        format: 'der',
        type: 'pkcs8',
      });
    for (const [, seed, publicKey] of keys) {
      const spki = createPublicKey(pkcs8(seed!)).export({ format: 'der', type: 'spki' });
      expect(spki.subarray(-32).toString('hex')).toBe(publicKey);
    }
    const { relay, nonce } = body('Relay to Alice: `hello`') as Record<string, Uint8Array>;
    const { peer, signature, client } = body('Alice to relay: `login`');
    const text = loginText(relay!, nonce!, peer as Uint8Array, client as string);
    expect(hexOf(relay!)).toBe(keys.find(([who]) => who === 'relay')![2]);
    expect(sign(null, text, pkcs8(keys[0]![1]!)).toString('hex')).toBe(hexOf(signature as Uint8Array));
    expect(hexOf(signature as Uint8Array)).toBe(loginVectors[0]!.signature);
    expect(createHash('sha256').update(text).digest('hex')).toBe(
      createHash('sha256').update(bytesOf(loginVectors[0]!.loginText)).digest('hex'),
    );
  });

  it('tells one story: labels, keys, request ids and credit agree from step to step', () => {
    const alice = body('Relay to Alice: `opened`')['label'];
    const bob = body('Relay to Bob: `offer`')['label'];
    expect(alice).not.toBe(bob);
    const open = body('Alice to relay: `open`');
    expect(hexOf(open['to'] as Uint8Array)).toBe(keys[1]![2]);
    expect(hexOf(body('Relay to Bob: `offer`')['from'] as Uint8Array)).toBe(keys[0]![2]);
    expect(body('Relay to Bob: `offer`')['credit']).toBe(open['credit']);
    const asked = step('Alice to relay: `open`').frames[0] as Control;
    const answered = step('Relay to Alice: `opened`').frames[0] as Control;
    expect(answered.requestId).toBe(asked.requestId);
    expect(body('Bob to relay: `accept`')['label']).toBe(bob);
    const labels = (title: string) => step(title).frames.map((frame) => (frame as { label: number }).label);
    expect(labels('Alice to relay: data')).toEqual([alice, alice]);
    expect(labels('Relay to Bob: the same')).toEqual([bob, bob]);
    const payloads = (title: string) =>
      step(title).frames.map((frame) => (frame as { payload: string }).payload);
    expect(payloads('Relay to Bob: the same')).toEqual(['hello', '']);
    expect(body('Bob to relay: `credit`')).toEqual({ label: bob, bytes: step('Alice to relay: data').bytes });
    expect(body('Relay to Alice: `credit`')).toEqual({
      label: alice,
      bytes: step('Alice to relay: data').bytes,
    });
    expect(body('Alice to relay: `close`')).toEqual({ label: alice });
    expect(body('Relay to Alice: `closed`')).toEqual({ label: alice, reason: 'closed' });
    expect(body('Relay to Bob: `closed`')).toEqual({ label: bob, reason: 'closed' });
  });
});
