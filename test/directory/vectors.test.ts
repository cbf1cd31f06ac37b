/** Records and vaults, byte for byte: test/vectors/records.json and vaults.json, made without the code that is tested. */
import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { encodeRecord, parseRecord, recordSignatureHolds } from '../../core/directory/record.ts';
import { openVault, parseVault, sealVault, vaultSignatureHolds } from '../../core/directory/vault.ts';
import { identityFromSeed } from '../../core/identity/identity.ts';
import { verifySignature } from '../../core/identity/verify.ts';
import { bytesOf, hexOf } from '../protocol/vectors.ts';

interface Bad {
  description: string;
  hex: string;
}
interface Records {
  valid: {
    description: string;
    seed: string;
    key: string;
    seq: number;
    expiresMs: number;
    searchable: boolean;
    name: string | null;
    heir: string | null;
    profile: string;
    hex: string;
  }[];
  badLayout: Bad[];
  badSignature: Bad[];
}
interface Vaults {
  seed: string;
  key: string;
  nonce: string;
  valid: { description: string; revision: number; content: string; hex: string }[];
  badLayout: Bad[];
  badSignature: Bad[];
  badSeal: Bad[];
}

function read<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`../vectors/${name}`, import.meta.url), 'utf8')) as T;
}

describe('records.json', () => {
  const { valid, badLayout, badSignature } = read<Records>('records.json');

  test.each(valid)('$description', ({ seed, key, name, heir, profile, hex, ...numbers }) => {
    const content = {
      seq: numbers.seq,
      expiresMs: numbers.expiresMs,
      searchable: numbers.searchable,
      name: name ?? undefined,
      heir: heir === null ? undefined : bytesOf(heir),
      profile: bytesOf(profile),
    };
    expect(hexOf(encodeRecord(identityFromSeed(bytesOf(seed)), content))).toBe(hex);
    expect(parseRecord(bytesOf(hex))).toEqual({ ...content, key: bytesOf(key) });
    expect(recordSignatureHolds(bytesOf(hex), verifySignature)).toBe(true);
  });

  test.each(badLayout)('no reader takes: $description', ({ hex }) => {
    expect(() => parseRecord(bytesOf(hex))).toThrow(expect.objectContaining({ code: 'bad-record' }));
  });

  test.each(badSignature)('no reader believes: $description', ({ hex }) => {
    parseRecord(bytesOf(hex));
    expect(recordSignatureHolds(bytesOf(hex), verifySignature)).toBe(false);
  });
});

describe('vaults.json', () => {
  const { seed, key, nonce, valid, badLayout, badSignature, badSeal } = read<Vaults>('vaults.json');
  const alice = identityFromSeed(bytesOf(seed));
  afterEach(() => vi.restoreAllMocks());

  test.each(valid)('$description', ({ revision, content, hex }) => {
    vi.spyOn(crypto, 'getRandomValues').mockImplementation((array) => {
      (array as Uint8Array).set(bytesOf(nonce));
      return array;
    });
    expect(hexOf(sealVault(alice, revision, bytesOf(content)))).toBe(hex);
    expect(parseVault(bytesOf(hex))).toEqual({ key: bytesOf(key), revision });
    const opened = openVault(alice, bytesOf(hex), verifySignature);
    expect(opened).toEqual({ revision, content: bytesOf(content) });
  });

  test.each(badLayout)('no reader takes: $description', ({ hex }) => {
    expect(() => parseVault(bytesOf(hex))).toThrow(expect.objectContaining({ code: 'bad-vault' }));
  });

  test.each(badSignature)('no relay takes: $description', ({ hex }) => {
    parseVault(bytesOf(hex));
    expect(vaultSignatureHolds(bytesOf(hex), verifySignature)).toBe(false);
  });

  test.each(badSeal)('a relay cannot tell, and its owner does: $description', ({ hex }) => {
    expect(vaultSignatureHolds(bytesOf(hex), verifySignature)).toBe(true);
    expect(() => openVault(alice, bytesOf(hex), verifySignature)).toThrow(
      expect.objectContaining({ code: 'bad-vault' }),
    );
  });
});
