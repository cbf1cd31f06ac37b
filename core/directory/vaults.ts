/** Vaults: opaque bytes, replaced by who has read the last one (compare and set on the revision). */
import { SupernodeError } from '../protocol/errors.ts';
import type { ReadAnswers, WriteAsk } from '../threads/directory-messages.ts';
import { sameBytes } from './bytes.ts';
import { Refusal } from './refusal.ts';
import type { Room } from './room.ts';
import type { Verify } from './signed.ts';
import type { DirectoryStore } from './store.ts';
import { parseVault, type VaultHead, vaultSignatureHolds } from './vault.ts';

export class Vaults {
  readonly #store: DirectoryStore;
  readonly #room: Room;

  constructor(store: DirectoryStore, room: Room) {
    this.#store = store;
    this.#room = room;
  }

  read(peer: Uint8Array): ReadAnswers['vault'] {
    const vault = this.#store.tables.vaults.get(peer);
    return vault ? { revision: parseVault(vault).revision, vault } : { revision: 0, vault: null };
  }

  /** Inside a transaction. `head` must have passed checkVault. @throws Refusal `conflict`, `directory-full`. */
  put(head: VaultHead, vault: Uint8Array): { revision: number } {
    const stored = this.read(head.key).revision;
    if (head.revision !== stored + 1) {
      throw new Refusal(
        'conflict',
        `The vault's revision is ${head.revision}; the stored one has ${stored}, so it must be ${stored + 1}.`,
      );
    }
    if (stored === 0) this.#room.check('vaults', head.key);
    this.#store.tables.vaults.put(head.key, vault);
    return { revision: head.revision };
  }
}

/** What can be checked without the store. @throws Refusal `bad-vault`. */
export function checkVault(ask: Extract<WriteAsk, { t: 'vault-put' }>, verify: Verify): VaultHead {
  const head = parsed(ask.vault);
  if (!sameBytes(head.key, ask.peer)) {
    throw new Refusal('bad-vault', 'The vault is of another key than the session.');
  }
  if (!vaultSignatureHolds(ask.vault, verify)) {
    throw new Refusal('bad-vault', "The vault's signature is not that of its key.");
  }
  return head;
}

function parsed(bytes: Uint8Array): VaultHead {
  try {
    return parseVault(bytes);
  } catch (error) {
    if (error instanceof SupernodeError) throw new Refusal('bad-vault', error.message);
    throw error;
  }
}
