/**
 * Writes the vectors of what peers sign for the directory: records and vaults (docs/protocol.md §12.2 and §12.9). Like
 * generate.ts it uses nothing of core/. Node has no XChaCha20: it is made here from its ChaCha20-Poly1305 and HChaCha20
 * (draft-irtf-cfrg-xchacha-03 §2), and its own vector of the draft is checked first.
 *
 *   npx tsx test/vectors/generate-signed.ts     writes records.json and vaults.json
 */
import { createCipheriv, createPrivateKey, createPublicKey, hkdfSync, sign } from 'node:crypto';
import { writeFileSync } from 'node:fs';

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const unhex = (text: string) => new Uint8Array(Buffer.from(text, 'hex'));
const utf8 = (text: string) => new TextEncoder().encode(text);
const join = (...parts: Uint8Array[]) => new Uint8Array(Buffer.concat(parts));
const byte = (value: number) => Uint8Array.of(value);
const range = (first: number, count: number) => Uint8Array.from({ length: count }, (_, i) => first + i);
const u16 = (value: number) => Uint8Array.of(value >>> 8, value);
function u64(value: number | bigint): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(value));
  return bytes;
}
/** The bytes with some of them replaced. */
const patched = (bytes: Uint8Array, at: number, ...by: number[]) => {
  const copy = bytes.slice();
  copy.set(by, at);
  return copy;
};

// --- keys: the seeds of RFC 8032 §7.1, tests 1 and 2 ------------------------------------------------------------------

function keyPair(seed: string) {
  const der = Buffer.from(`302e020100300506032b657004220420${seed}`, 'hex');
  const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  const spki = createPublicKey(key).export({ format: 'der', type: 'spki' });
  const publicKey = new Uint8Array(spki.subarray(-32));
  return { seed, public: publicKey, sign: (text: Uint8Array) => new Uint8Array(sign(null, text, key)) };
}
type KeyPair = ReturnType<typeof keyPair>;
const ALICE = keyPair('9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60');
const BOB = keyPair('4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb');

// --- records ----------------------------------------------------------------------------------------------------------

interface Fields {
  version?: number;
  flags?: number;
  seq?: number | bigint;
  expires?: number | bigint;
  heir?: Uint8Array;
  name?: Uint8Array;
  nameLength?: number;
  profile?: Uint8Array;
  profileLength?: number;
  after?: Uint8Array;
}

const SEQ = 7;
const EXPIRES = 1_800_000_000_000;

function recordOf(by: KeyPair, fields: Fields, domain = 'supernode.1 record\n'): Uint8Array {
  const { heir = new Uint8Array(0), name = new Uint8Array(0), profile = new Uint8Array(0) } = fields;
  const body = join(
    byte(fields.version ?? 1),
    byte(fields.flags ?? (heir.length > 0 ? 2 : 0)),
    by.public,
    u64(fields.seq ?? SEQ),
    u64(fields.expires ?? EXPIRES),
    heir,
    byte(fields.nameLength ?? name.length),
    name,
    u16(fields.profileLength ?? profile.length),
    profile,
    fields.after ?? new Uint8Array(0),
  );
  return join(by.sign(join(utf8(domain), body)), body);
}

function records() {
  const json = utf8('{"city":"Oslo"}');
  const valid: [string, Fields][] = [
    ['The smallest.', {}],
    ['A name and a profile, found by search.', { flags: 1, name: utf8('alice'), profile: json }],
    ['A name beyond ASCII.', { name: utf8('zoë') }],
    ['The longest name and profile.', { name: utf8('x'.repeat(63)), profile: new Uint8Array(1_024).fill(0x20) }],
    ['A profile of bytes that are no text.', { profile: Uint8Array.of(0xff, 0x00, 0xfe) }],
    ['That of a former owner: an heir, and no name.', { seq: 8, heir: BOB.public, profile: json }],
    ['The largest numbers.', { seq: 2n ** 53n - 1n, expires: 2n ** 53n - 1n }],
    ['Expired in 1970.', { seq: 1, expires: 0 }],
  ];
  const named = recordOf(ALICE, { flags: 1, name: utf8('alice'), profile: json });
  const layout: [string, Uint8Array][] = [
    ['Empty.', new Uint8Array(0)],
    ['One byte short of the smallest.', recordOf(ALICE, {}).subarray(0, 116)],
    ['Version 0.', recordOf(ALICE, { version: 0 })],
    ['Version 2.', recordOf(ALICE, { version: 2 })],
    ['An unknown flag.', recordOf(ALICE, { flags: 4 })],
    ['Sequence number 0.', recordOf(ALICE, { seq: 0 })],
    ['Sequence number 2^53.', recordOf(ALICE, { seq: 2n ** 53n })],
    ['Expires at 2^53.', recordOf(ALICE, { expires: 2n ** 53n })],
    ['The flag of an heir, and none.', recordOf(ALICE, { flags: 2 })],
    ['An heir, and a name.', recordOf(ALICE, { heir: BOB.public, name: utf8('alice') })],
    ['A name of 64 bytes.', recordOf(ALICE, { name: utf8('x'.repeat(64)) })],
    ['A name that is not UTF-8.', recordOf(ALICE, { name: Uint8Array.of(0x61, 0xff, 0x62) })],
    ['A name length beyond the end.', recordOf(ALICE, { name: utf8('alice'), nameLength: 60 })],
    ['A profile of 1,025 bytes.', recordOf(ALICE, { profile: new Uint8Array(1_025) })],
    ['A profile length beyond the end.', recordOf(ALICE, { profile: json, profileLength: 16 })],
    ['A byte after the end.', recordOf(ALICE, { after: byte(0) })],
  ];
  const signature: [string, Uint8Array][] = [
    ['A signature of zeros.', patched(named, 0, ...new Uint8Array(64))],
    ["Bob's key with Alice's signature.", patched(named, 66, ...BOB.public)],
    ['A sequence number that was not signed.', patched(named, 105, 0xff)],
    ['Signed as a vault.', recordOf(ALICE, { name: utf8('alice') }, 'supernode.1 vault\n')],
    ['Signed without a domain.', recordOf(ALICE, { name: utf8('alice') }, '')],
  ];
  return {
    valid: valid.map(([description, fields]) => ({
      description,
      seed: ALICE.seed,
      key: hex(ALICE.public),
      seq: Number(fields.seq ?? SEQ),
      expiresMs: Number(fields.expires ?? EXPIRES),
      searchable: fields.flags === 1,
      name: fields.name ? new TextDecoder().decode(fields.name) : null,
      heir: fields.heir ? hex(fields.heir) : null,
      profile: hex(fields.profile ?? new Uint8Array(0)),
      hex: hex(recordOf(ALICE, fields)),
    })),
    badLayout: layout.map(([description, bytes]) => ({ description, hex: hex(bytes) })),
    badSignature: signature.map(([description, bytes]) => ({ description, hex: hex(bytes) })),
  };
}

// --- XChaCha20-Poly1305 -------------------------------------------------------------------------------------------------

function hChaCha20(key: Uint8Array, nonce: Uint8Array): Uint8Array {
  const view = new DataView(join(utf8('expand 32-byte k'), key, nonce).buffer);
  const s = Uint32Array.from({ length: 16 }, (_, i) => view.getUint32(4 * i, true));
  const turn = (value: number, by: number) => (value << by) | (value >>> (32 - by));
  const quarter = (a: number, b: number, c: number, d: number) => {
    s[a]! += s[b]!;
    s[d] = turn(s[d]! ^ s[a]!, 16);
    s[c]! += s[d]!;
    s[b] = turn(s[b]! ^ s[c]!, 12);
    s[a]! += s[b]!;
    s[d] = turn(s[d]! ^ s[a]!, 8);
    s[c]! += s[d]!;
    s[b] = turn(s[b]! ^ s[c]!, 7);
  };
  for (let round = 0; round < 10; round++) {
    for (let i = 0; i < 4; i++) quarter(i, 4 + i, 8 + i, 12 + i);
    for (let i = 0; i < 4; i++) quarter(i, 4 + ((i + 1) % 4), 8 + ((i + 2) % 4), 12 + ((i + 3) % 4));
  }
  const out = new DataView(new ArrayBuffer(32));
  [0, 1, 2, 3, 12, 13, 14, 15].forEach((word, i) => out.setUint32(4 * i, s[word]!, true));
  return new Uint8Array(out.buffer);
}

function seal(key: Uint8Array, nonce: Uint8Array, additional: Uint8Array, plain: Uint8Array): Uint8Array {
  const inner = join(new Uint8Array(4), nonce.subarray(16));
  const cipher = createCipheriv('chacha20-poly1305', hChaCha20(key, nonce.subarray(0, 16)), inner, {
    authTagLength: 16,
  });
  cipher.setAAD(additional, { plaintextLength: plain.length });
  return join(cipher.update(plain), cipher.final(), cipher.getAuthTag());
}

/** draft-irtf-cfrg-xchacha-03 §2.2.1. */
function checkOwnCipher(): void {
  const subkey = hChaCha20(range(0, 32), unhex('000000090000004a0000000031415927'));
  if (hex(subkey) !== '82413b4227b27bfed30e42508a877d73a0f9e4d58a74a853c12ec41326d3ecdc') {
    throw new Error(`HChaCha20 is wrong: ${hex(subkey)}`);
  }
}

// --- vaults -------------------------------------------------------------------------------------------------------------

const NONCE = range(0x40, 24);

function vaultKey(by: KeyPair): Uint8Array {
  const secret = by.sign(utf8('supernode.1 vault key\n'));
  return new Uint8Array(hkdfSync('sha256', secret, '', 'supernode.1 vault', 32));
}

function vaultOf(by: KeyPair, revision: number | bigint, content: Uint8Array, version = 1, key = vaultKey(by)) {
  const head = join(byte(version), by.public, u64(revision));
  return signed(by, join(head, NONCE, seal(key, NONCE, head, content)));
}

function signed(by: KeyPair, body: Uint8Array): Uint8Array {
  return join(by.sign(join(utf8('supernode.1 vault\n'), body)), body);
}

function vaults() {
  const valid: [string, number, Uint8Array][] = [
    ['Empty.', 1, new Uint8Array(0)],
    ['A text.', 2, utf8('contacts')],
    ['The largest revision.', Number.MAX_SAFE_INTEGER, utf8('contacts')],
  ];
  const one = vaultOf(ALICE, 2, utf8('contacts'));
  const layout: [string, Uint8Array][] = [
    ['Empty.', new Uint8Array(0)],
    ['One byte short of the smallest.', vaultOf(ALICE, 1, new Uint8Array(0)).subarray(0, 144)],
    ['Version 2.', vaultOf(ALICE, 1, utf8('contacts'), 2)],
    ['Revision 0.', vaultOf(ALICE, 0, utf8('contacts'))],
    ['Revision 2^53.', vaultOf(ALICE, 2n ** 53n, utf8('contacts'))],
  ];
  const signature: [string, Uint8Array][] = [
    ['A signature of zeros.', patched(one, 0, ...new Uint8Array(64))],
    ["Bob's key with Alice's signature.", patched(one, 65, ...BOB.public)],
    ['A revision that was not signed.', patched(one, 104, 9)],
    ['A byte after the end.', join(one, byte(0))],
  ];
  const body = one.subarray(64);
  const sealed: [string, Uint8Array][] = [
    ['Another revision than the one that was sealed, signed.', signed(ALICE, patched(body, 40, 3))],
    ['A changed ciphertext, signed.', signed(ALICE, patched(body, 65, body[65]! ^ 1))],
    ['A changed nonce, signed.', signed(ALICE, patched(body, 41, body[41]! ^ 1))],
    ["Sealed with Bob's key, signed by Alice.", vaultOf(ALICE, 2, utf8('contacts'), 1, vaultKey(BOB))],
  ];
  const list = (entries: [string, Uint8Array][]) =>
    entries.map(([description, bytes]) => ({ description, hex: hex(bytes) }));
  return {
    seed: ALICE.seed,
    key: hex(ALICE.public),
    encryptionKey: hex(vaultKey(ALICE)),
    nonce: hex(NONCE),
    valid: valid.map(([description, revision, content]) => ({
      description,
      revision,
      content: hex(content),
      hex: hex(vaultOf(ALICE, revision, content)),
    })),
    badLayout: list(layout),
    badSignature: list(signature),
    badSeal: list(sealed),
  };
}

checkOwnCipher();
for (const [name, content] of Object.entries({ 'records.json': records(), 'vaults.json': vaults() })) {
  writeFileSync(new URL(name, import.meta.url), `${JSON.stringify(content, null, 2)}\n`);
}
