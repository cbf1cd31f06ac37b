/** One of the peers that write to the directory until their relay is gone. */
import { connect, type Identity, type Peer, SupernodeError } from 'supernode/client';
import type { Prng } from '../fixtures/prng.ts';
import type { Account } from './ledger.ts';

/** Fewer names than peers, so that they fight for them. */
export const NAMES = Array.from({ length: 20 }, (_, i) => `contended-${i}`);

export interface Player {
  identity: Identity;
  account: Account;
}

/** What a race for a name, a full box or another writer may answer. Everything else but the lost relay is a fault. */
const EXPECTED = new Set([
  'name-taken',
  'mailbox-full',
  'rate-limited',
  'refused',
  'connection-lost',
  'not-open',
  'peer-closed',
]);

export class Writer {
  readonly #player: Player;
  readonly #players: readonly Player[];
  readonly #random: Prng;
  readonly #peer: Peer;
  #sent = 0;
  #stopped = false;
  /** Writes that the relay has acknowledged. */
  acknowledged = 0;
  readonly done: Promise<void>;

  private constructor(peer: Peer, player: Player, players: readonly Player[], random: Prng) {
    this.#peer = peer;
    this.#player = player;
    this.#players = players;
    this.#random = random;
    peer.messages.addEventListener('message', (message) => {
      player.account.waiting.delete(message.text());
      player.account.shown.add(message.text());
    });
    this.done = this.#write();
  }

  static async start(url: string, player: Player, players: readonly Player[], random: Prng): Promise<Writer> {
    const peer = await connect(url, { identity: player.identity, reconnect: false });
    return new Writer(peer, player, players, random);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.done;
    await this.#peer.close();
  }

  async #write(): Promise<void> {
    while (!this.#stopped && this.#peer.state === 'open') {
      try {
        const die = this.#random.below(100);
        if (die < 35) await this.#publish();
        else if (die < 55) await this.#changeVault();
        else await this.#send();
        this.acknowledged++;
      } catch (error) {
        if (!(error instanceof SupernodeError) || !EXPECTED.has(error.code)) throw error;
        if (error.code === 'rate-limited') await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }
  }

  async #publish(): Promise<void> {
    const { account } = this.#player;
    const die = this.#random.below(100);
    const name = die < 30 ? null : die < 80 ? this.#random.pick(NAMES) : undefined;
    account.publishing = { name: name === null ? undefined : (name ?? account.record.name) };
    try {
      const { seq, name: now } = await this.#peer.publish({
        ...(name === undefined ? {} : { name }),
        profile: { at: this.#sent },
      });
      account.record = { seq, name: now };
      account.publishing = null;
    } catch (error) {
      // Refused: nothing was stored. Lost: it may have been.
      if (error instanceof SupernodeError && error.code === 'name-taken') account.publishing = null;
      throw error;
    }
  }

  async #changeVault(): Promise<void> {
    const { id } = this.#random.pick(this.#players).identity;
    if (this.#random.below(10) < 7) await this.#peer.contacts.add(id, { note: String(this.#sent) });
    else await this.#peer.contacts.remove(id);
    this.#player.account.vaultChanges++;
  }

  async #send(): Promise<void> {
    const { identity, account } = this.#random.pick(this.#players);
    const text = `${this.#player.identity.id}:${performance.now()}:${this.#sent++}`;
    await this.#peer.messages.send(identity.id, text);
    if (!account.shown.has(text)) account.waiting.add(text);
  }
}
