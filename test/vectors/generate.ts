/**
 * Writes the vectors of this directory. It has its own small msgpack writer and uses nothing of core/, so that the
 * vectors and the codec that is tested against them cannot be wrong in the same way. The tests only read the files.
 *
 *   npx tsx test/vectors/generate.ts             writes *.json
 *   npx tsx test/vectors/generate.ts --example   prints the annotated bytes of docs/protocol.md §11
 */
import { createHmac, createPrivateKey, createPublicKey, sign } from 'node:crypto';
import { writeFileSync } from 'node:fs';

type Value = number | string | boolean | null | Uint8Array | Value[] | { [key: string]: Value };
interface Piece {
  bytes: Uint8Array;
  note: string;
  indent: number;
}

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const unhex = (text: string) => new Uint8Array(Buffer.from(text, 'hex'));
const utf8 = (text: string) => new TextEncoder().encode(text);
const join = (...parts: Uint8Array[]) => new Uint8Array(Buffer.concat(parts));
const range = (first: number, count: number) => Uint8Array.from({ length: count }, (_, i) => first + i);
const repeat = (byte: number, count: number) => new Uint8Array(count).fill(byte);

// --- msgpack, shortest forms ------------------------------------------------------------------------------------

function sized(length: number, u8: number, u16: number): Uint8Array {
  if (length < 0x100) return Uint8Array.of(u8, length);
  return Uint8Array.of(u16, length >>> 8, length);
}

function big(first: number, value: number, bytes: number): Uint8Array {
  const out = new Uint8Array(1 + bytes);
  out[0] = first;
  for (let i = 0; i < bytes; i++) out[bytes - i] = Math.floor(value / 256 ** i) % 256;
  return out;
}

function uint(value: number): Uint8Array {
  if (value < 0x80) return Uint8Array.of(value);
  if (value < 0x100) return big(0xcc, value, 1);
  if (value < 0x10000) return big(0xcd, value, 2);
  if (value <= 0xffffffff) return big(0xce, value, 4);
  // As JavaScript's libraries write what is no 32-bit integer.
  const float = new Uint8Array(9);
  float[0] = 0xcb;
  new DataView(float.buffer).setFloat64(1, value);
  return float;
}

function pieces(value: Value, note: string, indent: number): Piece[] {
  const one = (bytes: Uint8Array, text: string): Piece[] => [{ bytes, note: text, indent }];
  if (value === null) return one(Uint8Array.of(0xc0), 'nil');
  if (typeof value === 'boolean') return one(Uint8Array.of(value ? 0xc3 : 0xc2), String(value));
  if (typeof value === 'number') return one(uint(value), note ? `${note} ${value}` : String(value));
  if (typeof value === 'string') {
    const text = utf8(value);
    const head = text.length < 32 ? Uint8Array.of(0xa0 | text.length) : sized(text.length, 0xd9, 0xda);
    return one(join(head, text), JSON.stringify(value));
  }
  if (value instanceof Uint8Array) {
    return one(join(sized(value.length, 0xc4, 0xc5), value), `${value.length} bytes${note && `: ${note}`}`);
  }
  if (Array.isArray(value)) {
    const inner = value.flatMap((item) => pieces(item, '', indent + 1));
    return [...one(Uint8Array.of(0x90 | value.length), `array of ${value.length}`), ...inner];
  }
  const entries = Object.entries(value);
  const inner = entries.flatMap(([key, item]) => [
    ...pieces(key, '', indent + 1),
    ...pieces(item, '', indent + 2),
  ]);
  return [...one(Uint8Array.of(0x80 | entries.length), `map of ${entries.length}`), ...inner];
}

const pack = (value: Value) => join(...pieces(value, '', 0).map((piece) => piece.bytes));

// --- frames -----------------------------------------------------------------------------------------------------

const OPS = {
  hello: 0x20,
  login: 0x21,
  resume: 0x22,
  ready: 0x23,
  error: 0x24,
  moving: 0x25,
  ping: 0x26,
  pong: 0x27,
  open: 0x30,
  offer: 0x31,
  accept: 0x32,
  reject: 0x33,
  opened: 0x34,
  credit: 0x35,
  close: 0x36,
  closed: 0x37,
  congestion: 0x38,
  lookup: 0x40,
  found: 0x41,
  search: 0x42,
  results: 0x43,
  publish: 0x44,
  stored: 0x45,
  watch: 0x46,
  unwatch: 0x47,
  presence: 0x48,
  status: 0x49,
  vault_get: 0x4a,
  vault: 0x4b,
  vault_put: 0x4c,
  policy_get: 0x4d,
  policy: 0x4e,
  policy_set: 0x4f,
  send: 0x50,
  receipt: 0x51,
  inbox: 0x52,
  mail: 0x53,
  mail_ack: 0x54,
} as const;
type Name = keyof typeof OPS;
const CLASSES = ['signal', 'audio', 'message', 'video', 'bulk'];

function data(op: number, label: number, payload: Uint8Array): Uint8Array {
  return join(Uint8Array.of(0x93, op), big(0xce, label, 4), sized(payload.length, 0xc4, 0xc5), payload);
}

function control(name: Name, requestId: number, body: Value): Uint8Array {
  return pack([OPS[name], requestId, body]);
}

// --- keys: the seeds of RFC 8032 §7.1, tests 1 to 3 ----------------------------------------------------------------

function keyPair(seed: string) {
  const key = createPrivateKey({
    key: Buffer.from(`302e020100300506032b657004220420${seed}`, 'hex'),
    format: 'der',
    type: 'pkcs8',
  });
  const spki = createPublicKey(key).export({ format: 'der', type: 'spki' });
  return {
    seed,
    public: new Uint8Array(spki.subarray(-32)),
    sign: (text: Uint8Array) => sign(null, text, key),
  };
}
const ALICE = keyPair('9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60');
const BOB = keyPair('4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb');
const RELAY = keyPair('c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7');
const NONCE = range(0x00, 32);
const SECRET = range(0x20, 32);
const TICKET = range(0x80, 53);
const CLIENT = 'supernode-js/0.1.0';

const loginText = (peer: Uint8Array, client: string) =>
  join(utf8('supernode.1 login\n'), RELAY.public, NONCE, peer, utf8(client));
const resumeText = (client: string) => join(utf8('supernode.1 resume\n'), RELAY.public, NONCE, utf8(client));
const AGE_MS = 0x0102_0304_0506;
const AGE = Uint8Array.of(1, 2, 3, 4, 5, 6);
const earlyText = (client: string) => join(utf8('supernode.1 early\n'), RELAY.public, AGE, utf8(client));
const early = (client: string) => {
  const proven = new Uint8Array(createHmac('sha256', SECRET).update(earlyText(client)).digest());
  const version = utf8(client);
  const bytes = join(proven, AGE, Uint8Array.of(version.length), version, TICKET);
  return { earlyProof: hex(proven), subprotocol: `resume.${Buffer.from(bytes).toString('base64url')}` };
};
const proof = (client: string) =>
  new Uint8Array(createHmac('sha256', SECRET).update(resumeText(client)).digest());

function base32(bytes: Uint8Array): string {
  let bits = 0n;
  for (const byte of bytes) bits = (bits << 8n) | BigInt(byte);
  const spare = (5 - ((bytes.length * 8) % 5)) % 5;
  bits <<= BigInt(spare);
  let text = '';
  for (let left = (bytes.length * 8 + spare) / 5; left > 0; left--) {
    text = 'abcdefghijklmnopqrstuvwxyz234567'[Number(bits & 31n)] + text;
    bits >>= 5n;
  }
  return text;
}

// --- the files ----------------------------------------------------------------------------------------------------

function frames() {
  const sizes: [number, string][] = [
    [0, 'an empty payload'],
    [1, 'one byte'],
    [255, 'the longest payload with a bin 8 header'],
    [256, 'the shortest payload with a bin 16 header'],
    [65_526, 'the longest payload: the frame has 65,536 bytes'],
  ];
  const out: object[] = [];
  CLASSES.forEach((name, index) => {
    const op = 0x10 + index;
    const label = [0x10000, 0x12345678, 0x7fffffff, 0x80000000, 0xffffffff][index]!;
    for (const [size, what] of sizes) {
      if (size === 65_526 && index !== 3) continue;
      const payload = Uint8Array.from({ length: size }, (_, i) => (i * 7 + index) % 251);
      const long = size > 256;
      out.push({
        description: `Data of class ${name}, ${what}.`,
        op,
        class: name,
        end: false,
        label,
        payloadBytes: size,
        ...(long ? { payloadRule: { times: 7, plus: index, modulo: 251 } } : { payload: hex(payload) }),
        frameBytes: data(op, label, payload).length,
        ...(long
          ? { headerHex: hex(data(op, label, payload).subarray(0, 10)) }
          : { hex: hex(data(op, label, payload)) }),
      });
    }
    out.push({
      description: `End of stream of class ${name}: a data frame with bit 0x08 in its op and an empty payload.`,
      op: 0x18 + index,
      class: name,
      end: true,
      label,
      payloadBytes: 0,
      payload: '',
      frameBytes: 9,
      hex: hex(data(0x18 + index, label, new Uint8Array(0))),
    });
  });
  out.push({
    description:
      'A short payload with a bin 16 header: a reader accepts it, a writer uses bin 8. It counts 13 bytes of credit.',
    decodeOnly: true,
    op: 0x12,
    class: 'message',
    end: false,
    label: 0x10000,
    payloadBytes: 3,
    payload: '616263',
    frameBytes: 13,
    hex: '9312ce00010000c50003616263',
  });
  return out;
}

/** Bytes become hex text in the JSON; the README names the fields that are bytes. */
function json(value: Value): unknown {
  if (value instanceof Uint8Array) return hex(value);
  if (Array.isArray(value)) return value.map(json);
  if (value !== null && typeof value === 'object') {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, json(item)]));
  }
  return value;
}

const LIMITS = {
  frameBytes: 65_536,
  bundleBytes: 131_072,
  channels: 256,
  channelCreditBytes: 4_194_304,
  sessionCreditBytes: 25_165_824,
};
const RELIABLE = { reliable: true, priority: 2, lifeMs: 0, credit: 1_048_576, protocol: 'supernode-pipe' };
const REALTIME = { reliable: false, priority: 1, lifeMs: 500, credit: 0, protocol: '' };
const LABEL_A = 0x00010001;
const LABEL_B = 0x00010002;
const LOGIN = { peer: ALICE.public, signature: ALICE.sign(loginText(ALICE.public, CLIENT)), client: CLIENT };
const RESUME = { ticket: TICKET, proof: proof(CLIENT), client: CLIENT };
const READY = {
  peer: ALICE.public,
  resumed: false,
  ticket: TICKET,
  secret: SECRET,
  ticketLifeMs: 86_400_000,
  limits: LIMITS,
};
const HELLO = { relay: RELAY.public, nonce: NONCE, loginTimeoutMs: 10_000 };

function controls() {
  const out: object[] = [];
  const add = (description: string, name: Name, requestId: number, body: { [key: string]: Value }) =>
    out.push({
      description,
      name,
      op: OPS[name],
      requestId,
      body: json(body),
      hex: hex(control(name, requestId, body)),
    });
  const read = (description: string, name: Name, requestId: number, body: Value, text: string) =>
    out.push({
      description,
      decodeOnly: true,
      name,
      op: OPS[name],
      requestId,
      body: json(body),
      hex: text,
    });

  add('The first frame on a connection.', 'hello', 0, HELLO);
  add('A login; the signature is the first of login.json.', 'login', 1, LOGIN);
  add('A resume; the proof is the first of login.json.', 'resume', 1, RESUME);
  add('The answer to a login.', 'ready', 1, READY);
  add('The answer to a resume.', 'ready', 2, { ...READY, resumed: true });
  add('A fatal error.', 'error', 0, {
    code: 'bad-frame',
    message: 'A data frame is truncated.',
    fatal: true,
  });
  add('An error that says when to come back.', 'error', 1, {
    code: 'busy',
    message: 'The relay has too many logins to check.',
    fatal: true,
    retryAfterMs: 2000,
  });
  add('An error that answers an open.', 'error', 7, {
    code: 'too-many-channels',
    message: 'A session may have at most 256 channels.',
    fatal: false,
  });
  add('The relay drains; come back to the same URL.', 'moving', 0, { leaveInMs: 10_000, retryAfterMs: 5000 });
  add('The relay drains and names two others.', 'moving', 0, {
    leaveInMs: 10_000,
    retryAfterMs: 0,
    successors: ['wss://one.example:7420', 'wss://two.example:7420'],
  });
  add('A ping.', 'ping', 77, {});
  add('Its answer.', 'pong', 77, {});
  add('A reliable channel.', 'open', 2, { to: BOB.public, ...RELIABLE });
  add('A realtime channel.', 'open', 0xffffffff, { to: BOB.public, ...REALTIME });
  add('What the callee of the reliable channel sees.', 'offer', 0, {
    label: LABEL_B,
    from: ALICE.public,
    ...RELIABLE,
  });
  add('What the callee of the realtime channel sees.', 'offer', 0, {
    label: 0xffffffff,
    from: ALICE.public,
    ...REALTIME,
  });
  add('The callee accepts and grants 64 KiB.', 'accept', 0, { label: LABEL_B, credit: 65_536 });
  add('The callee rejects.', 'reject', 0, { label: LABEL_B });
  add('The opener learns its label and its credit.', 'opened', 2, { label: LABEL_A, credit: 65_536 });
  add('More credit.', 'credit', 0, { label: LABEL_B, bytes: 23 });
  add('More of the initial grant, which the relay had kept back.', 'credit', 0, {
    label: LABEL_B,
    bytes: 65_536,
    initial: true,
  });
  add('The most credit one frame can grant.', 'credit', 0, { label: LABEL_B, bytes: 4_194_304 });
  add('An end closes.', 'close', 0, { label: LABEL_A });
  for (const reason of ['closed', 'peer-gone', 'replaced', 'drained', 'overrun', 'timeout']) {
    add(`A channel ended: ${reason}.`, 'closed', 0, { label: LABEL_B, reason });
  }
  for (const reason of ['rejected', 'not-found', 'busy']) {
    add(`An open failed: ${reason}. The label is 0.`, 'closed', 2, { label: 0, reason });
  }
  for (const cause of ['receiver', 'relay', 'budget']) {
    add(`Frames of a channel are dropped: ${cause}.`, 'congestion', 0, {
      label: LABEL_A,
      cause,
      bytesPerSec: 24_000,
      dropped: 17,
      over: false,
    });
  }
  add('No frame was dropped for a second.', 'congestion', 0, {
    label: LABEL_A,
    cause: 'receiver',
    bytesPerSec: 0xffffffff,
    dropped: 0,
    over: true,
  });
  const shuffled = { credit: 65_536, label: LABEL_B };
  read(
    'Keys in another order.',
    'accept',
    0,
    { label: LABEL_B, credit: 65_536 },
    hex(control('accept', 0, shuffled)),
  );
  const later = { label: LABEL_B, note: ['a', { b: 1 }], extra: repeat(1, 3) };
  read(
    'Fields that a later version may add are ignored.',
    'close',
    0,
    { label: LABEL_B },
    hex(control('close', 0, later)),
  );
  read(
    'Integers that are not in their shortest form.',
    'close',
    5,
    { label: 7 },
    '93cc36ce0000000581a56c6162656ccd0007',
  );
  read(
    'A map 16 header and a str 8 key.',
    'close',
    5,
    { label: LABEL_B },
    '933605de0001d9056c6162656cce00010002',
  );
  directory(add, read);
  return out;
}

/** Frames of the directory. Records and vaults are bytes to a control frame: these are of no peer. */
function directory(
  add: (description: string, name: Name, requestId: number, body: { [key: string]: Value }) => void,
  read: (description: string, name: Name, requestId: number, body: Value, text: string) => void,
) {
  const record = range(0x40, 120);
  const seenMs = 1_790_000_000_123;
  const id = range(0xa0, 16);
  add('A look-up by key.', 'lookup', 3, { peer: BOB.public });
  add('A look-up by key, with the record.', 'lookup', 300, { peer: BOB.public, record: true });
  add('A look-up by name.', 'lookup', 70_000, { name: 'zoë', record: true });
  add('Online, asked for by key.', 'found', 3, { state: 1 });
  add('Offline, with when it was last here and its record.', 'found', 4, { state: 0, seenMs, record });
  add('Away, asked for by name.', 'found', 5, { peer: BOB.public, state: 2, record });
  add('Hidden from the asker, or nobody: the same bytes.', 'error', 3, {
    code: 'not-found',
    message: 'There is nobody of that name or key.',
    fatal: false,
  });
  add('A search.', 'search', 6, { prefix: 'zoë' });
  add('A search for at most five.', 'search', 6, { prefix: 'ali', most: 5 });
  add('Its results.', 'results', 6, {
    found: [
      { peer: ALICE.public, name: 'alice' },
      { peer: BOB.public, name: 'alina' },
    ],
    more: true,
  });
  add('No results.', 'results', 6, { found: [], more: false });
  add('A record.', 'publish', 7, { record });
  add('A record with a name that its former owner hands over.', 'publish', 7, {
    record,
    former: range(0x60, 130),
  });
  add('It is on the disk.', 'stored', 7, { revision: 12 });
  add('The largest revision: a float 64.', 'stored', 7, { revision: 9_007_199_254_740_991 });
  read(
    'The same as a uint 64.',
    'stored',
    7,
    { revision: 9_007_199_254_740_991 },
    '93450781a87265766973696f6ecf001fffffffffffff',
  );
  add('Watching two.', 'watch', 8, { peers: [ALICE.public, BOB.public] });
  add('The states of those watched.', 'presence', 8, {
    states: [
      { peer: ALICE.public, state: 1 },
      { peer: BOB.public, state: 0, seenMs },
    ],
  });
  add('A change.', 'presence', 0, { states: [{ peer: BOB.public, state: 2 }] });
  add('Watching one no longer.', 'unwatch', 0, { peers: [BOB.public] });
  add('Away.', 'status', 0, { away: true });
  add('Asking for the vault.', 'vault_get', 9, {});
  add('There is none.', 'vault', 9, { revision: 0 });
  add('A vault.', 'vault', 9, { revision: 3, vault: range(0, 145) });
  add('Putting one.', 'vault_put', 10, { vault: range(0, 145) });
  read(
    'Bytes with a 32-bit length.',
    'vault_put',
    10,
    { vault: range(1, 3) },
    '934c0a81a57661756c74c600000003010203',
  );
  add('Asking for the policy.', 'policy_get', 11, {});
  add('Asking for the blocked, from a key on.', 'policy_get', 11, { list: 'blocked', after: ALICE.public });
  add('The policy, and some of the blocked.', 'policy', 11, {
    visibility: 'contacts',
    reach: 'nobody',
    keys: [BOB.public],
    more: true,
  });
  add('Seen by contacts only, of whom Bob is one.', 'policy_set', 12, {
    visibility: 'contacts',
    reach: 'everyone',
    allow: [BOB.public],
    disallow: [ALICE.public],
    block: [RELAY.public],
    unblock: [],
  });
  add('A message for a day.', 'send', 13, { to: BOB.public, id, bytes: utf8('hello'), lifeMs: 86_400_000 });
  add('It is on the disk.', 'receipt', 13, { id, state: 'stored' });
  add('Asking for mail.', 'inbox', 14, {});
  const mail = { seq: 1, from: ALICE.public, id, sentMs: seenMs };
  add('A message.', 'mail', 0, { ...mail, bytes: utf8('hello') });
  add('A receipt.', 'mail', 0, { ...mail, seq: 2, receipt: 'delivered' });
  add('Both are taken.', 'mail_ack', 15, { seq: 2 });
}

function logins() {
  const clients: [string, string][] = [
    ['An ASCII version text.', CLIENT],
    ['An empty version text.', ''],
    ['UTF-8 beyond ASCII: the text is signed as its bytes.', 'téléphone/1 ☎ 🔑'],
    ['The longest version text, 64 bytes.', 'x'.repeat(64)],
  ];
  return clients.map(([description, client]) => ({
    description,
    seed: ALICE.seed,
    peer: hex(ALICE.public),
    relay: hex(RELAY.public),
    nonce: hex(NONCE),
    client,
    loginText: hex(loginText(ALICE.public, client)),
    signature: hex(ALICE.sign(loginText(ALICE.public, client))),
    secret: hex(SECRET),
    resumeText: hex(resumeText(client)),
    proof: hex(proof(client)),
    ticket: hex(TICKET),
    ageMs: AGE_MS,
    earlyText: hex(earlyText(client)),
    ...early(client),
  }));
}

function peerIds() {
  const alice = base32(ALICE.public);
  return {
    valid: [
      ['RFC 8032 test 1', ALICE.public],
      ['RFC 8032 test 2', BOB.public],
      ['RFC 8032 test 3', RELAY.public],
      ['32 bytes 0x00', repeat(0, 32)],
      ['32 bytes 0xff', repeat(0xff, 32)],
    ].map(([description, key]) => ({
      description,
      publicKey: hex(key as Uint8Array),
      id: base32(key as Uint8Array),
    })),
    read: [
      { description: 'Upper case is read, and becomes lower case.', text: alice.toUpperCase(), id: alice },
      { description: 'Mixed case.', text: alice[0]!.toUpperCase() + alice.slice(1), id: alice },
      { description: 'White space at both ends is dropped.', text: ` ${alice}\n`, id: alice },
    ],
    invalid: [
      { description: 'Empty.', text: '' },
      { description: 'One character short.', text: alice.slice(0, -1) },
      { description: 'One character long.', text: `${alice}a` },
      { description: 'Padding.', text: `${alice}====` },
      { description: '0 is not of the alphabet.', text: `0${alice.slice(1)}` },
      { description: '1 is not of the alphabet.', text: `1${alice.slice(1)}` },
      { description: '8 is not of the alphabet.', text: `8${alice.slice(1)}` },
      { description: 'White space inside.', text: `${alice.slice(0, 25)} ${alice.slice(26)}` },
      { description: 'The four bits after the key are not zero.', text: `${alice.slice(0, -1)}b` },
      { description: 'A long s (U+017F), whose upper case is S.', text: `ſ${alice.slice(1)}` },
      { description: 'A dotless i (U+0131), whose upper case is I.', text: `ı${alice.slice(1)}` },
      { description: 'The key in hex.', text: hex(ALICE.public) },
    ],
  };
}

type Before = 'login' | 'ready';
function bad() {
  const out: object[] = [];
  const add = (
    by: 'codec' | 'relay',
    before: Before,
    expected: object,
    description: string,
    bytes: string,
    more = {},
  ) => out.push({ description, by, before, ...expected, hex: bytes, ...more });
  const codec = (before: Before, error: string, description: string, bytes: Uint8Array | string, more = {}) =>
    add('codec', before, { error }, description, typeof bytes === 'string' ? bytes : hex(bytes), more);
  const relay = (before: Before, error: string, description: string, bytes: Uint8Array) =>
    add('relay', before, { error }, description, hex(bytes));
  const drop = (name: string, description: string, bytes: Uint8Array) =>
    add('relay', 'ready', { drop: name }, description, hex(bytes));
  const frame = (value: Value) => pack(value);
  const hi = data(0x12, 0xfffffff0, utf8('hi'));

  codec('ready', 'bad-frame', 'Not an array.', '80');
  codec('ready', 'bad-frame', 'An array of 2.', '922601');
  codec('ready', 'bad-frame', 'An array of 4.', '94260180c0');
  codec('ready', 'bad-frame', 'An array of 3 with an array 16 header.', 'dc0003260180');
  codec('ready', 'bad-frame', 'A msgpack string.', 'a568656c6c6f');
  codec('ready', 'bad-frame', 'Only the first byte of a frame.', '93');
  codec('ready', 'bad-frame', 'A control frame without its body.', '932601');
  codec('ready', 'bad-frame', 'A control frame that ends inside a text.', '93360181a56c6162');
  codec(
    'ready',
    'bad-frame',
    'A good ping, then a byte that begins no frame: the ping is answered first.',
    '932609800f',
  );
  codec('ready', 'bad-frame', 'A data frame without payload header.', '9312ce00010000');
  codec('ready', 'bad-frame', 'A data frame whose payload is one byte short.', hi.subarray(0, -1));
  codec('ready', 'bad-frame', 'A data frame that ends inside the length of a bin 16.', '9312ce00010000c501');
  codec('ready', 'bad-frame', 'A data frame whose label is a uint 16.', '9312cd0001c403616263000000');
  codec('ready', 'bad-frame', 'A data frame whose label is a fixint.', '931201c403616263000000');
  codec('ready', 'bad-frame', 'A data frame whose payload is a str.', '9312ce00010000a3616263');
  codec('ready', 'bad-frame', 'A data frame whose payload is a bin 32.', '9312ce00010000c600000003616263');
  codec('ready', 'bad-frame', 'A data frame whose payload is nil.', '9312ce00010000c0c0c0');
  codec('ready', 'bad-frame', 'A control frame with an ext 8 in its body.', '93260181a161c7010561');
  codec('ready', 'bad-frame', 'A control frame with a fixext 1 in its body.', '93260181a161d40000');
  codec('ready', 'bad-frame', 'A control frame with a timestamp (fixext 4).', '932601d6ff00000000');
  codec('ready', 'bad-frame', 'The byte 0xc1, which msgpack never uses.', '932601c1');
  codec('ready', 'bad-frame', 'A bin 32 that ends after the message does.', '93260181a161c60000000261');
  codec('ready', 'bad-frame', 'A str 32 in a control frame.', '93260181a161db0000000161');
  codec('ready', 'bad-frame', 'A map 32 as the body.', '932601df00000000');
  codec('ready', 'bad-frame', 'An array 32 in a control frame.', '93260181a161dd00000000');
  codec('ready', 'bad-frame', 'Arrays nested deeper than four.', '93260181a1619191919100');
  codec(
    'ready',
    'bad-frame',
    'A map of 33 entries.',
    join(
      unhex('932601de0021'),
      ...Array.from({ length: 33 }, (_, i) => pack(`k${i}`)).flatMap((key) => [key, Uint8Array.of(0)]),
    ),
  );
  codec('ready', 'bad-frame', 'A map 16 that claims 65,535 entries.', '932601deffff');
  codec('ready', 'bad-frame', 'A key that is a map.', '932601818001');
  codec('login', 'bad-frame', 'Bad framing before the login.', '00');

  codec('ready', 'unknown-op', 'Op 0x00.', '93000180');
  codec('ready', 'unknown-op', 'Op 0x28, the first after the connection ops.', '93280180');
  relay('ready', 'unknown-op', 'Op 0x39, news that a client does not know.', unhex('93390180'));
  relay('ready', 'unknown-op', 'Op 0x3f, news that a client does not know.', unhex('933f0180'));
  codec('ready', 'unknown-op', 'Op 0x55, the first after the directory ops.', '93550180');
  codec(
    'ready',
    'unknown-op',
    'Op 0x15, a data op of a class that does not exist.',
    data(0x15, 0xfffffff0, utf8('hi')),
  );
  codec(
    'ready',
    'unknown-op',
    'Op 0x1d, an end of a class that does not exist.',
    data(0x1d, 0xfffffff0, new Uint8Array(0)),
  );
  codec('ready', 'unknown-op', 'Op 0x7f.', '937f0180');
  codec('ready', 'unknown-op', 'Op 300.', frame([300, 1, {}]));
  codec('ready', 'unknown-op', 'Op -1.', '93ff0180');
  codec('ready', 'unknown-op', 'A text for an op.', frame(['ping', 1, {}]));
  codec('ready', 'unknown-op', 'Nil for an op.', frame([null, 1, {}]));
  codec('ready', 'unknown-op', 'A data op that is not a positive fixint.', '93cc12cefffffff0c4026869');
  const relayOnly: [Name, { [key: string]: Value }][] = [
    ['hello', HELLO],
    ['ready', READY],
    ['error', { code: 'internal', message: 'x', fatal: false }],
    ['moving', { leaveInMs: 1, retryAfterMs: 1 }],
    ['offer', { label: LABEL_B, from: ALICE.public, ...RELIABLE }],
    ['opened', { label: LABEL_A, credit: 0 }],
    ['closed', { label: LABEL_A, reason: 'closed' }],
    ['congestion', { label: LABEL_A, cause: 'relay', bytesPerSec: 1, dropped: 1, over: false }],
    ['found', { state: 1 }],
    ['results', { found: [], more: false }],
    ['stored', { revision: 1 }],
    ['presence', { states: [] }],
    ['vault', { revision: 0 }],
    ['policy', { visibility: 'nobody', reach: 'nobody', keys: [], more: false }],
    ['receipt', { id: repeat(1, 16), state: 'stored' }],
    ['mail', { seq: 1, from: BOB.public, id: repeat(1, 16), sentMs: 1, receipt: 'expired' }],
  ];
  for (const [name, body] of relayOnly) {
    relay('ready', 'unknown-op', `\`${name}\`, which only a relay sends.`, control(name, 0, body));
  }

  codec('ready', 'bad-control', 'A requestId that is a text.', frame([OPS.ping, 'x', {}]));
  codec('ready', 'bad-control', 'A requestId below 0.', '9326ff80');
  codec('ready', 'bad-control', 'A requestId above 32 bits.', frame([OPS.ping, 0x100000000, {}]));
  codec('ready', 'bad-control', 'A requestId that is no integer.', '9326cb3ff800000000000080');
  codec('ready', 'bad-control', 'A body that is nil.', frame([OPS.ping, 1, null]));
  codec('ready', 'bad-control', 'A body that is a number.', frame([OPS.ping, 1, 5]));
  codec('ready', 'bad-control', 'A body that is a text.', frame([OPS.ping, 1, 'x']));
  codec('ready', 'bad-control', 'A body that is an array.', frame([OPS.ping, 1, []]));
  codec('ready', 'bad-control', 'A body that is bytes.', frame([OPS.ping, 1, range(0, 3)]));
  codec('ready', 'bad-control', '`close` without its label.', frame([OPS.close, 1, {}]));
  codec(
    'ready',
    'bad-control',
    '`close` with a label that is a text.',
    frame([OPS.close, 1, { label: '65537' }]),
  );
  codec(
    'ready',
    'bad-control',
    '`close` with a label above 32 bits.',
    frame([OPS.close, 1, { label: 0x100000000 }]),
  );
  codec('ready', 'bad-control', '`close` with a label below 0.', '93360181a56c6162656cff');
  codec(
    'ready',
    'bad-control',
    '`close` with a label that is NaN.',
    '93360181a56c6162656ccb7ff8000000000000',
  );
  const open = { to: BOB.public, ...RELIABLE };
  const opens: [string, { [key: string]: Value }][] = [
    ['a key of 31 bytes', { ...open, to: BOB.public.subarray(1) }],
    ['a key of 33 bytes', { ...open, to: join(BOB.public, Uint8Array.of(0)) }],
    ['a peer id as text where the key belongs', { ...open, to: base32(BOB.public) }],
    ['priority 5', { ...open, priority: 5 }],
    ['a priority by name', { ...open, priority: 'audio' }],
    ['lifeMs 65536', { ...open, lifeMs: 65_536 }],
    ['credit above 4 MiB', { ...open, credit: 4_194_305 }],
    ['reliable as a number', { ...open, reliable: 1 }],
    ['a protocol of 65 bytes', { ...open, protocol: 'x'.repeat(65) }],
    ['a protocol of 33 characters and 66 bytes', { ...open, protocol: 'é'.repeat(33) }],
    ['a protocol that is bytes', { ...open, protocol: utf8('x') }],
  ];
  for (const [what, body] of opens)
    codec('ready', 'bad-control', `\`open\` with ${what}.`, control('open', 9, body));
  relay('ready', 'bad-control', '`open` with requestId 0.', control('open', 0, open));
  const noId: [Name, { [key: string]: Value }][] = [
    ['lookup', { peer: BOB.public }],
    ['lookup', { peer: BOB.public, record: true }],
    ['search', { prefix: 'alice' }],
    ['publish', { record: repeat(1, 117) }],
    ['watch', { peers: [BOB.public] }],
    ['vault_get', {}],
    ['vault_put', { vault: repeat(1, 145) }],
    ['policy_get', {}],
    ['policy_set', {}],
    ['send', { to: BOB.public, id: repeat(1, 16), bytes: utf8('x') }],
    ['inbox', {}],
  ];
  for (const [name, body] of noId) {
    relay('ready', 'bad-control', `\`${name}\` with requestId 0.`, control(name, 0, body));
  }
  const keys = (count: number) => Array.from({ length: count }, (_, i) => repeat(i, 32));
  const wrong: [Name, string, { [key: string]: Value }][] = [
    ['lookup', 'neither a key nor a name', { record: true }],
    ['lookup', 'a key and a name', { peer: BOB.public, name: 'bob' }],
    ['lookup', 'a key of 31 bytes', { peer: BOB.public.subarray(1) }],
    ['lookup', 'an empty name', { name: '' }],
    ['lookup', 'a name of 64 bytes', { name: 'x'.repeat(64) }],
    ['lookup', 'record as a number', { peer: BOB.public, record: 1 }],
    ['search', 'a prefix of 64 bytes', { prefix: 'é'.repeat(32) }],
    ['search', 'most 0', { prefix: 'alice', most: 0 }],
    ['search', 'most 33', { prefix: 'alice', most: 33 }],
    ['publish', 'a record of 1,237 bytes', { record: repeat(1, 1_237) }],
    ['publish', 'a former record of 1,237 bytes', { record: repeat(1, 117), former: repeat(1, 1_237) }],
    ['watch', 'no peers', { peers: [] }],
    ['watch', 'a key of 33 bytes', { peers: [repeat(1, 33)] }],
    ['unwatch', 'no peers', { peers: [] }],
    ['status', 'away as a text', { away: 'yes' }],
    ['policy_get', 'a list that does not exist', { list: 'friends' }],
    ['policy_set', 'an audience that does not exist', { visibility: 'friends' }],
    ['send', 'an id of 15 bytes', { to: BOB.public, id: repeat(1, 15), bytes: utf8('x') }],
    ['send', 'a message as text', { to: BOB.public, id: repeat(1, 16), bytes: 'x' }],
    [
      'send',
      'a life of more than 30 days',
      { to: BOB.public, id: repeat(1, 16), bytes: utf8('x'), lifeMs: 2_592_000_001 },
    ],
    ['mail_ack', 'a seq as a text', { seq: '1' }],
    ['mail_ack', 'a seq above 2^53-1', { seq: 9_007_199_254_740_992 }],
  ];
  for (const [name, what, body] of wrong) {
    codec('ready', 'bad-control', `\`${name}\` with ${what}.`, control(name, 9, body));
  }
  // pack() writes arrays of fewer than 16: an array 16 header by hand.
  codec(
    'ready',
    'bad-frame',
    '`watch` with 33 peers.',
    join(unhex('93460981a57065657273dc0021'), ...keys(33).map((key) => pack(key))),
  );
  const grant = { label: LABEL_B, bytes: 4_194_305 };
  codec('ready', 'bad-control', '`credit` above 4 MiB in one frame.', control('credit', 0, grant));
  const short = { ...LOGIN, signature: LOGIN.signature.subarray(1) };
  codec('login', 'bad-control', '`login` with a signature of 63 bytes.', control('login', 1, short));
  const named = { ...LOGIN, client: 'x'.repeat(65) };
  codec('login', 'bad-control', '`login` with a client text of 65 bytes.', control('login', 1, named));
  const fat = { ...RESUME, ticket: repeat(1, 257) };
  codec('login', 'bad-control', '`resume` with a ticket of 257 bytes.', control('resume', 1, fat));
  const noProof = { ...RESUME, proof: repeat(1, 31) };
  codec('login', 'bad-control', '`resume` with a proof of 31 bytes.', control('resume', 1, noProof));

  codec('ready', 'frame-too-large', 'A data frame of 65,537 bytes.', '9312cefffffff0c5fff7', {
    then: { byte: '00', times: 65_527 },
  });
  codec(
    'ready',
    'frame-too-large',
    'The header of a data frame that claims 65,535 bytes, and no more.',
    '9312cefffffff0c5ffff',
  );
  codec('ready', 'frame-too-large', 'A control frame of 4,097 bytes.', '93260181a161da0ff8', {
    then: { byte: '61', times: 4088 },
  });
  codec(
    'login',
    'frame-too-large',
    'A control frame of 60,009 bytes before the login.',
    '93260181a161daea60',
    {
      then: { byte: '61', times: 60_000 },
    },
  );

  codec('ready', 'frame-too-large', 'A directory frame of 66,561 bytes.', '934a0181a161c6000103f6', {
    then: { byte: '61', times: 66_550 },
  });
  codec('ready', 'bad-control', '`vault_put` with 65,537 bytes.', '934c0181a57661756c74c600010001', {
    then: { byte: '61', times: 65_537 },
  });

  out.push({
    description: 'A text message.',
    by: 'relay',
    before: 'ready',
    error: 'text-message',
    text: 'hello',
  });
  out.push({
    description: 'A text message before the login.',
    by: 'relay',
    before: 'login',
    error: 'text-message',
    text: '{}',
  });

  relay('login', 'not-logged-in', 'Data before the login.', hi);
  relay(
    'login',
    'not-logged-in',
    'An end of stream before the login.',
    data(0x1a, 0xfffffff0, new Uint8Array(0)),
  );
  relay('login', 'not-logged-in', '`open` before the login.', control('open', 1, open));
  relay(
    'login',
    'not-logged-in',
    '`accept` before the login.',
    control('accept', 0, { label: LABEL_B, credit: 0 }),
  );
  relay('login', 'not-logged-in', '`reject` before the login.', control('reject', 0, { label: LABEL_B }));
  relay(
    'login',
    'not-logged-in',
    '`credit` before the login.',
    control('credit', 0, { label: LABEL_B, bytes: 1 }),
  );
  relay('login', 'not-logged-in', '`close` before the login.', control('close', 0, { label: LABEL_B }));
  relay('login', 'not-logged-in', '`pong` before the login.', control('pong', 1, {}));
  relay('login', 'not-logged-in', '`lookup` before the login.', control('lookup', 1, { peer: BOB.public }));
  relay('login', 'not-logged-in', '`inbox` before the login.', control('inbox', 1, {}));
  relay(
    'login',
    'bad-proof',
    'A signature of zeros.',
    control('login', 1, { ...LOGIN, signature: repeat(0, 64) }),
  );
  relay('login', 'bad-proof', 'A signature for another nonce and relay.', control('login', 1, LOGIN));
  add(
    'relay',
    'login',
    { error: 'bad-ticket', fatal: false },
    'A ticket that the relay did not give.',
    hex(control('resume', 1, RESUME)),
  );
  relay('ready', 'already-logged-in', 'A second `login`.', control('login', 1, LOGIN));
  relay('ready', 'already-logged-in', '`resume` after `ready`.', control('resume', 1, RESUME));

  const foreign = 0xfffffff0;
  drop('label', "Data with a label that is not the session's.", hi);
  drop('label', 'Data with label 0.', data(0x12, 0, utf8('hi')));
  drop(
    'label',
    "An end of stream with a label that is not the session's.",
    data(0x1a, foreign, new Uint8Array(0)),
  );
  drop('control', '`accept` of an unknown label.', control('accept', 0, { label: foreign, credit: 1 }));
  drop('control', '`reject` of an unknown label.', control('reject', 0, { label: foreign }));
  drop('control', '`credit` for an unknown label.', control('credit', 0, { label: foreign, bytes: 1 }));
  drop('control', '`close` of an unknown label.', control('close', 0, { label: foreign }));
  return out;
}

// --- docs/protocol.md §11 -------------------------------------------------------------------------------------------

function dump(all: Piece[]): string {
  const width = 40;
  return all
    .map(({ bytes, note, indent }) => {
      const rows = hex(bytes).match(/.{1,32}/g)!;
      const pad = '  '.repeat(indent);
      return rows.map((row, i) => `${pad}${row}`.padEnd(width) + (i === 0 ? ` ; ${note}` : '')).join('\n');
    })
    .map((text) => text.replace(/ +$/gm, ''))
    .join('\n');
}

function dumpControl(name: Name, requestId: number, body: { [key: string]: Value }): string {
  return dump([
    { bytes: Uint8Array.of(0x93), note: 'array of 3', indent: 0 },
    { bytes: uint(OPS[name]), note: `op: ${name}`, indent: 0 },
    { bytes: uint(requestId), note: `requestId ${requestId}`, indent: 0 },
    ...pieces(body, '', 0),
  ]);
}

function dumpData(op: number, label: number, payload: Uint8Array): string {
  const all = data(op, label, payload);
  const end = op & 8 ? 'end of stream' : 'data';
  return dump([
    { bytes: all.subarray(0, 1), note: 'array of 3', indent: 0 },
    { bytes: all.subarray(1, 2), note: `op: ${end}, class ${CLASSES[op & 7]}`, indent: 0 },
    { bytes: all.subarray(2, 7), note: `label 0x${label.toString(16)}`, indent: 0 },
    { bytes: all.subarray(7, 9), note: `bin 8, ${payload.length} bytes`, indent: 0 },
    ...(payload.length
      ? [{ bytes: payload, note: JSON.stringify(Buffer.from(payload).toString()), indent: 0 }]
      : []),
  ]);
}

function example(): string {
  const open = { reliable: true, priority: 2, lifeMs: 0, credit: 65_536, protocol: 'greeting' };
  const steps: [string, string][] = [
    ['Relay to Alice: `hello`', dumpControl('hello', 0, HELLO)],
    ['Alice to relay: `login`', dumpControl('login', 1, LOGIN)],
    ['Relay to Alice: `ready`', dumpControl('ready', 1, READY)],
    ['Alice to relay: `open`', dumpControl('open', 2, { to: BOB.public, ...open })],
    ['Relay to Bob: `offer`', dumpControl('offer', 0, { label: LABEL_B, from: ALICE.public, ...open })],
    ['Bob to relay: `accept`', dumpControl('accept', 0, { label: LABEL_B, credit: 65_536 })],
    ['Relay to Alice: `opened`', dumpControl('opened', 2, { label: LABEL_A, credit: 65_536 })],
    [
      'Alice to relay: data and end of stream, one bundle',
      `${dumpData(0x12, LABEL_A, utf8('hello'))}\n${dumpData(0x1a, LABEL_A, new Uint8Array(0))}`,
    ],
    [
      'Relay to Bob: the same two frames under his label',
      `${dumpData(0x12, LABEL_B, utf8('hello'))}\n${dumpData(0x1a, LABEL_B, new Uint8Array(0))}`,
    ],
    ['Bob to relay: `credit`', dumpControl('credit', 0, { label: LABEL_B, bytes: 23 })],
    ['Relay to Alice: `credit`', dumpControl('credit', 0, { label: LABEL_A, bytes: 23 })],
    ['Alice to relay: `close`', dumpControl('close', 0, { label: LABEL_A })],
    ['Relay to Alice: `closed`', dumpControl('closed', 0, { label: LABEL_A, reason: 'closed' })],
    ['Relay to Bob: `closed`', dumpControl('closed', 0, { label: LABEL_B, reason: 'closed' })],
  ];
  return steps.map(([title, text]) => `${title}:\n\n\`\`\`hex\n${text}\n\`\`\`\n`).join('\n');
}

if (process.argv.includes('--example')) {
  process.stdout.write(example());
} else {
  const files = {
    'frames.json': frames(),
    'control.json': controls(),
    'login.json': logins(),
    'peer-id.json': peerIds(),
    'bad.json': bad(),
  };
  for (const [name, content] of Object.entries(files)) {
    writeFileSync(new URL(name, import.meta.url), `${JSON.stringify(content, null, 2)}\n`);
  }
}
