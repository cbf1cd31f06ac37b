/** `peer.contacts`: a list that all devices of one identity share, and that the relay cannot read. */
import { OptionError } from '../../protocol/errors.ts';
import type { PeerId } from '../../protocol/peer-id.ts';
import { shown, utf8Length } from '../checks.ts';
import type { Access } from './access.ts';
import { checkId } from './address.ts';
import { addition, type BookEntry, isContact, removal } from './contact-book.ts';
import type { Policy } from './policy.ts';
import { VaultBook } from './vault-book.ts';

export interface Contact {
  readonly id: PeerId;
  readonly name?: string;
  readonly note?: string;
  readonly addedAt: Date;
}

/** Fields that are left out stay as they are. '' empties one. */
export interface ContactFields {
  /** What this peer's owner calls the contact; not its name in the directory. At most 256 bytes. */
  name?: string | undefined;
  /** At most 1,024 bytes. */
  note?: string | undefined;
}

export const MAX_CONTACT_NAME_BYTES = 256;
export const MAX_NOTE_BYTES = 1024;

/**
 * Kept encrypted at the relay, about 1,000 contacts. Devices that change it at the same time, or while they are not
 * connected, lose none of each other's changes: each contact has the name and note that were set last, and is there
 * unless it was removed after it was added last.
 *
 * Changes wait for the connection if there is none, and resolve when they are on the relay's disk. With a policy of
 * `contacts` (peer.policy) the list of the allowed is kept in step.
 */
export class Contacts {
  readonly #access: Access;
  readonly #book: VaultBook;
  readonly #policy: Policy;

  /** @internal */
  constructor(access: Access, policy: Policy) {
    this.#access = access;
    this.#book = new VaultBook(access);
    this.#policy = policy;
  }

  /**
   * Those there are now, in the order in which they were added; while the peer is reconnecting, those last known.
   * @throws (as rejections) SupernodeError `bad-vault` when what the relay answers is not this peer's, and what ask
   *   throws: `not-open`, `peer-closed`, `connection-lost`; RelayError with the relay's code.
   */
  async list(): Promise<Contact[]> {
    const book = await this.#book.read();
    return [...book]
      .filter(([, entry]) => isContact(entry))
      .sort(([a, { addedMs: aMs }], [b, { addedMs: bMs }]) => aMs - bMs || (a < b ? -1 : 1))
      .map(([id, entry]) => contactOf(id, entry));
  }

  /**
   * Adds a contact, or changes the fields that are given of one that there is.
   * @throws (as rejections) OptionError; SupernodeError `bad-peer-id`, `list-full` when the vault has no room,
   *   `peer-closed`, `bad-vault`; RelayError with the relay's code: `conflict` after 8 conflicts in a row, `list-full`
   *   when there are too many on the list of the allowed (the contact was added then).
   */
  async add(id: PeerId | string, fields: ContactFields = {}): Promise<void> {
    const { id: peer } = checkId('id', id);
    const checked = checkFields(fields);
    await this.#book.change(peer, (known) => addition(known, checked, Date.now()));
    await this.#keepInStep(() => this.#policy.allow([peer]));
  }

  /** Removes a contact, if it is one. @throws as `add` does. */
  async remove(id: PeerId | string): Promise<void> {
    const { id: peer } = checkId('id', id);
    await this.#book.change(peer, (known) => removal(known, Date.now()));
    await this.#keepInStep(() => this.#policy.disallow([peer]));
  }

  /** Changes the list of the allowed, if the policy makes anything of it. */
  #keepInStep(change: () => Promise<void>): Promise<void> {
    return this.#access.persistently(async () => {
      const { visibility, reach } = await this.#policy.get();
      if (visibility === 'contacts' || reach === 'contacts') await change();
    });
  }
}

function contactOf(id: PeerId, { name, note, addedMs }: BookEntry): Contact {
  return {
    id,
    ...(name ? { name } : {}),
    ...(note ? { note } : {}),
    addedAt: new Date(addedMs),
  };
}

function checkFields(fields: ContactFields): ContactFields {
  if (typeof fields !== 'object' || fields === null) {
    throw new OptionError(`A contact's fields must be an object, not ${shown(fields)}.`);
  }
  const { name, note } = fields;
  checkText('name', name, MAX_CONTACT_NAME_BYTES);
  checkText('note', note, MAX_NOTE_BYTES);
  return { name, note };
}

function checkText(field: string, value: unknown, mostBytes: number): void {
  if (value === undefined || (typeof value === 'string' && utf8Length(value) <= mostBytes)) return;
  throw new OptionError(`${field} must be text of at most ${mostBytes} bytes, not ${shown(value)}.`);
}
