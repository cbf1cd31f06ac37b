/** One TURN client (RFC 8656): an allocation on the server, and a channel to each address that it talks to. */
import type { Receiver } from '../dialect.ts';
import { FIRST_CHANNEL, LAST_CHANNEL } from './channel-data.ts';
import {
  type Address,
  ATTRIBUTE,
  type Attribute,
  channelNumberValue,
  findAttribute,
  METHOD,
  REQUESTED_UDP,
  readXorAddress,
  type StunMessage,
  unsigned32,
  xorAddress,
} from './stun.ts';
import { Transactions } from './transactions.ts';

/** Asked for; an hour is the most that servers grant. */
const LIFETIME_SECONDS = 3600;
/** Permissions last 300 s and channels 600 s (RFC 8656 §9, §12): binding a channel again renews both. */
const RENEW_MS = 120_000;

/** What a client speaks through. */
export interface Wire {
  readonly heldBytes: number;
  write(bytes: Uint8Array, from: number, to: number, stable: boolean): void;
  destroy(): void;
}

export class TurnClient {
  readonly wire: Wire;
  /** Where others send to reach this client. */
  #relayed: Address | null = null;
  readonly #transactions: Transactions;
  readonly #receiver: Receiver;
  readonly #channels = new Map<number, Address>();
  #nextChannel = FIRST_CHANNEL;
  #renewal: NodeJS.Timeout | undefined;

  constructor(wire: Wire, receiver: Receiver, resends: boolean) {
    this.wire = wire;
    this.#receiver = receiver;
    this.#transactions = new Transactions((request) => wire.write(request, 0, request.length, true), resends);
  }

  get relayed(): Address {
    if (this.#relayed === null) throw new Error('This TURN client has no allocation.');
    return this.#relayed;
  }

  async allocate(): Promise<void> {
    const lifetime = { type: ATTRIBUTE.lifetime, value: unsigned32(LIFETIME_SECONDS) };
    const answer = await this.#transactions.request('Allocate', METHOD.allocate, [REQUESTED_UDP, lifetime]);
    const value = findAttribute(answer, ATTRIBUTE.xorRelayedAddress);
    if (value === undefined) throw new Error('The TURN server allocated no address.');
    this.#relayed = readXorAddress(value);
    this.#renewal = setInterval(() => {
      this.#renew().catch((error: Error) => this.#receiver.broken(error));
    }, RENEW_MS).unref();
  }

  /** Gives this address a channel, and the right to send to this client. @returns the channel's number. */
  async bind(address: Address): Promise<number> {
    const channel = this.#nextChannel++;
    if (channel > LAST_CHANNEL)
      throw new Error(`A TURN client has at most ${channel - FIRST_CHANNEL} channels.`);
    this.#channels.set(channel, address);
    await this.#bind(channel, address);
    return channel;
  }

  arrived(message: StunMessage): void {
    this.#transactions.arrived(message);
  }

  /** The connection has ended. */
  failed(error: Error): void {
    this.#end(error);
    this.#receiver.broken(error);
  }

  destroy(): void {
    this.#end(new Error('The TURN client was ended.'));
    this.wire.destroy();
  }

  #end(error: Error): void {
    clearInterval(this.#renewal);
    this.#transactions.failAll(error);
  }

  async #bind(channel: number, address: Address): Promise<void> {
    const attributes: Attribute[] = [
      { type: ATTRIBUTE.channelNumber, value: channelNumberValue(channel) },
      { type: ATTRIBUTE.xorPeerAddress, value: xorAddress(address) },
    ];
    await this.#transactions.request('ChannelBind', METHOD.channelBind, attributes);
  }

  async #renew(): Promise<void> {
    const lifetime = { type: ATTRIBUTE.lifetime, value: unsigned32(LIFETIME_SECONDS) };
    await this.#transactions.request('Refresh', METHOD.refresh, [lifetime]);
    for (const [channel, address] of this.#channels) await this.#bind(channel, address);
  }
}
