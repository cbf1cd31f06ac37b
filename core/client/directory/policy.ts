/** Who may see this peer, and who may reach it, as its relay has it. */
import { AUDIENCES, type Audience } from '../../protocol/directory-ops.ts';
import { OptionError, SupernodeError } from '../../protocol/errors.ts';
import { MAX_KEYS_PER_FRAME, MAX_LIST_KEYS } from '../../protocol/limits.ts';
import { OP_POLICY_GET, OP_POLICY_SET } from '../../protocol/ops.ts';
import { type PeerId, peerIdOf } from '../../protocol/peer-id.ts';
import { shown } from '../checks.ts';
import type { Access } from './access.ts';
import { checkIds } from './address.ts';
import { inChunks } from './chunks.ts';

export interface PolicySettings {
  /** Who may look this peer up and watch it. Default `everyone`; only then searches find it. */
  visibility: Audience;
  /** Who may open channels to this peer and send it messages. Default `everyone`. */
  reach: Audience;
}

type List = 'allowed' | 'blocked';

/**
 * `peer.policy`. `contacts` means the peers that were allowed, by `allow` or as contacts (see `set`); who is blocked
 * sees and reaches nothing. A change holds for the whole relay when its promise resolves; channels that are open stay
 * open.
 *
 * Every method rejects with SupernodeError `not-open`, `peer-closed` or `connection-lost`, or RelayError with the
 * relay's code.
 */
export class Policy {
  readonly #access: Access;
  readonly #contacts: () => Promise<PeerId[]>;

  /** @internal */
  constructor(access: Access, contacts: () => Promise<PeerId[]>) {
    this.#access = access;
    this.#contacts = contacts;
  }

  async get(): Promise<PolicySettings> {
    const { visibility, reach } = await this.#access.ask(OP_POLICY_GET, {});
    return { visibility, reach };
  }

  /**
   * Changes what is given. `contacts` also allows everybody in `peer.contacts`, before it takes effect; from then on
   * adding and removing contacts keeps the list in step.
   * @throws (as rejections) also OptionError; RelayError `list-full`.
   */
  async set(settings: Partial<PolicySettings>): Promise<void> {
    const { visibility, reach } = checkSettings(settings);
    if (visibility === 'contacts' || reach === 'contacts') await this.allow(await this.#contacts());
    await this.#access.ask(OP_POLICY_SET, { visibility, reach });
  }

  /**
   * Puts peers on the list of the allowed, which takes 1,024. They go 32 at a time: after a `list-full` some may be on
   * it.
   * @throws (as rejections) also OptionError; SupernodeError `bad-peer-id`; RelayError `list-full`.
   */
  allow(ids: Iterable<string>): Promise<void> {
    return this.#change('allow', ids);
  }

  /** Takes peers off the list of the allowed. */
  disallow(ids: Iterable<string>): Promise<void> {
    return this.#change('disallow', ids);
  }

  /** As `allow`, for the list of the blocked. */
  block(ids: Iterable<string>): Promise<void> {
    return this.#change('block', ids);
  }

  unblock(ids: Iterable<string>): Promise<void> {
    return this.#change('unblock', ids);
  }

  /** The list of the allowed, asked for in parts as the loop goes on. */
  allowed(): AsyncIterableIterator<PeerId> {
    return this.#list('allowed');
  }

  blocked(): AsyncIterableIterator<PeerId> {
    return this.#list('blocked');
  }

  async #change(what: 'allow' | 'disallow' | 'block' | 'unblock', ids: Iterable<string>): Promise<void> {
    const keys = [...checkIds('ids', ids).values()];
    for (const some of inChunks(keys, MAX_KEYS_PER_FRAME)) {
      await this.#access.ask(OP_POLICY_SET, { [what]: some });
    }
  }

  async *#list(list: List): AsyncIterableIterator<PeerId> {
    let after: Uint8Array | undefined;
    let length = 0;
    for (;;) {
      const { keys, more } = await this.#access.ask(OP_POLICY_GET, { list, after });
      length += keys.length;
      // Without this a relay could keep the loop going for ever.
      if (length > MAX_LIST_KEYS || (more && keys.length === 0)) {
        throw new SupernodeError('bad-relay', `The relay's list of the ${list} does not end.`);
      }
      for (const key of keys) yield peerIdOf(key);
      if (!more) return;
      after = keys.at(-1);
    }
  }
}

function checkSettings(settings: Partial<PolicySettings>): Partial<PolicySettings> {
  if (typeof settings !== 'object' || settings === null) {
    throw new OptionError(`A policy must be an object, not ${shown(settings)}.`);
  }
  for (const name of ['visibility', 'reach'] as const) {
    const value = settings[name];
    if (value !== undefined && !AUDIENCES.includes(value)) {
      throw new OptionError(`${name} must be one of ${AUDIENCES.join(', ')}, not ${shown(value)}.`);
    }
  }
  return settings;
}
