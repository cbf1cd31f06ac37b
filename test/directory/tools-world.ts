/** A directory that the relay's own code has filled, for the tools. */
import { randomBytes } from 'node:crypto';
import { expect } from 'vitest';
import { encodeRecord } from '../../core/directory/record.ts';
import { sealVault } from '../../core/directory/vault.ts';
import { bytes } from './store-fixture.ts';
import { DAY_MS, identity, messageId, START_MS, World } from './world.ts';

export const PEERS = 12;
/** Two peers have messages, three receipts. */
export const BOXES = 5;
export const LIFE_MS = 30 * DAY_MS;

/** Records with and without names, lists, vaults, mail and receipts. */
export function filled(): World {
  const world = new World();
  const peers = Array.from({ length: PEERS }, (_, n) => identity(n));
  const keys = peers.map((peer) => peer.publicKey);
  for (const [n, peer] of peers.entries()) {
    const record = encodeRecord(peer, {
      seq: n + 1,
      expiresMs: START_MS + LIFE_MS + n,
      searchable: n % 2 === 0,
      name: n % 3 === 2 ? undefined : `peer-${n}`,
      profile: bytes('{"a":1}'),
    });
    world.write({ t: 'publish', peer: peer.publicKey, record, former: null });
    world.write({ t: 'vault-put', peer: peer.publicKey, vault: sealVault(peer, 1, randomBytes(100 * n)) });
  }
  const lists = { allow: [keys[0]!, keys[4]!], block: keys.slice(5, 8) };
  world.setPolicy(peers[3]!, { visibility: 'contacts', reach: 'everyone', ...lists });
  for (let n = 0; n < 40; n++) {
    const from = keys[n % 3]!;
    const mail = { bytes: randomBytes(n * 10), sentMs: START_MS + n, lifeMs: DAY_MS };
    world.write({ t: 'send', from, to: keys[4 + (n % 2)]!, id: messageId(n), ...mail });
  }
  world.write({ t: 'mail-ack', peer: keys[4]!, seq: 7 });
  expect(world.faults).toEqual([]);
  return world;
}
