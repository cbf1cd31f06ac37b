/** A peer as an application sees it: an address on a relay, from which channels are opened and at which they arrive. */
import type { Identity } from '../identity/identity.ts';
import { SupernodeError } from '../protocol/errors.ts';
import { type PeerId, peerIdOf } from '../protocol/peer-id.ts';
import type { Channel } from './channel.ts';
import type { Contacts } from './directory/contacts.ts';
import { Directory } from './directory/directory.ts';
import type { Messages } from './directory/messages.ts';
import type { Policy } from './directory/policy.ts';
import type {
  LookupOptions,
  PublishOptions,
  SearchOptions,
  SignalOption,
} from './directory/record-options.ts';
import type { DirectoryRecord, Found, SearchResult } from './directory/records.ts';
import type { Presence } from './directory/watches.ts';
import { type Listener, TypedEventTarget } from './events.ts';
import { Incoming } from './incoming.ts';
import { Link } from './link.ts';
import type { Offer } from './offer.ts';
import {
  type CheckedConnect,
  type ConnectOptions,
  checkConnect,
  checkOpen,
  type OpenOptions,
} from './options.ts';
import {
  ChannelEvent,
  ClosedEvent,
  DisconnectedEvent,
  MovingEvent,
  type PeerEvents,
  PresenceEvent,
  ReconnectedEvent,
} from './peer-events.ts';
import type { Platform } from './platform.ts';
import { callHandler } from './report-error.ts';

/**
 * Made by `connect`. Events: `channel`, `presence`, `disconnected`, `reconnected`, `moving`, `closed`. An open peer keeps
 * the process alive.
 */
export class Peer extends TypedEventTarget<PeerEvents> implements AsyncDisposable {
  /**
   * Decides about each offer: true accepts it. Default: accept, if anybody takes channels (onchannel, a `channel`
   * listener or incoming()), else reject. What it throws is reported as by onchannel, and the offer is rejected.
   */
  onoffer: ((offer: Offer) => boolean | Promise<boolean>) | null;
  /**
   * Another peer has opened a channel to this one. Set its onmessage before you return, or read it later: nothing is
   * lost on a reliable channel. What the handler throws is thrown again from a microtask; the peer goes on.
   */
  onchannel: ((event: ChannelEvent) => void) | null;
  readonly #identity: Identity;
  readonly #incoming = new Incoming();
  readonly #link: Link;
  readonly #directory: Directory;
  #listensForChannels = false;

  /** @internal */
  constructor(platform: Platform, checked: CheckedConnect, options: ConnectOptions) {
    super();
    this.#identity = options.identity ?? platform.generateIdentity();
    this.onoffer = options.onoffer ?? null;
    this.onchannel = options.onchannel ?? null;
    this.#link = new Link({
      platform,
      checked,
      ca: options.ca,
      identity: this.#identity,
      owner: {
        decide: (offer) => this.#decide(offer),
        arrived: (channel) => this.#arrived(channel),
        disconnected: (error) => {
          this.#directory.disconnected();
          this.dispatchEvent(new DisconnectedEvent(error));
        },
        presence: (changes) => this.#directory.presence(changes),
        mail: (mail) => this.#directory.mail(mail),
        beforeFlush: () => this.#directory.beforeFlush(),
        reconnected: (resumed) => {
          this.#directory.reconnected();
          this.dispatchEvent(new ReconnectedEvent(resumed));
        },
        moving: (leaveInMs, successors) => this.dispatchEvent(new MovingEvent(leaveInMs, successors)),
        closed: (error) => this.#closed(error),
      },
    });
    this.#directory = new Directory(this.#identity, platform.verify, this.#link, (presence) =>
      this.dispatchEvent(new PresenceEvent(presence)),
    );
  }

  /** This peer's address. */
  get id(): PeerId {
    return this.#identity.id;
  }

  /** The relay's own key, as an address. It is what the relay said: nothing proves it but TLS. */
  get relay(): PeerId {
    return peerIdOf(this.#link.relayKey);
  }

  /** Where the relay is; changes when the peer moves to a successor. */
  get url(): string {
    return this.#link.url;
  }

  /** `reconnecting`: the connection was lost, its channels with it, and the peer tries to come back. */
  get state(): 'open' | 'reconnecting' | 'closed' {
    return this.#link.state;
  }

  /** As EventTarget's. A `channel` listener makes the peer accept offers, unless onoffer says otherwise. */
  override addEventListener<K extends keyof PeerEvents>(
    type: K,
    listener: Listener<PeerEvents[K]> | null,
    options?: boolean | AddEventListenerOptions,
  ): void {
    if (type === 'channel' && listener !== null) this.#listensForChannels = true;
    super.addEventListener(type, listener, options);
  }

  /**
   * Opens a channel to another peer; resolves when it has accepted.
   * @throws (as rejections) OptionError; SupernodeError `bad-peer-id`, `not-open` while reconnecting, `peer-closed`;
   *   ChannelError with the reason: `not-found`, `rejected`, `timeout`, `busy`, ...; RelayError `too-many-channels`;
   *   the signal's reason.
   */
  async open(to: PeerId | string, options: OpenOptions = {}): Promise<Channel> {
    const { toKey, kind } = checkOpen(to, options);
    options.signal?.throwIfAborted();
    const { session, state } = this.#link;
    if (state === 'closed') throw new SupernodeError('peer-closed', 'The peer is closed.');
    if (session === undefined) {
      throw new SupernodeError('not-open', 'The peer is reconnecting; wait for its reconnected event.');
    }
    return session.open(toKey, kind, options.signal);
  }

  /**
   * The channels that other peers open to this one, from now on. Ends when the peer is closed.
   * @throws SupernodeError, from the loop, when the peer was closed by an error.
   */
  incoming(): AsyncIterableIterator<Channel> {
    return this.#incoming.iterate();
  }

  // --- The directory ------------------------------------------------------------------------------------------------
  // All of it rejects with SupernodeError `not-open` while reconnecting, `peer-closed`, `connection-lost`; RelayError with the
  // relay's code (`no-directory`, `busy`, `rate-limited`, ...); and the signal's reason.

  /**
   * Publishes this peer's record, signed: its name, profile, and how long they hold. What is left out stays as it is.
   * Resolves with the record when it is on the relay's disk.
   * @throws (as rejections) OptionError; SupernodeError `bad-name`; RelayError `name-taken`, `stale-record`, ...
   */
  async publish(record: PublishOptions, options: SignalOption = {}): Promise<DirectoryRecord> {
    return this.#directory.records.publish(record, options.signal);
  }

  /**
   * Text by which `to`, and only it, can take this peer's name over, by `publish({ name, transfer })`. It is good for 30
   * days, and until this peer publishes again; the profile stays this peer's.
   * @throws (as rejections) OptionError; SupernodeError `bad-peer-id`, `not-found` when this peer has no name.
   */
  async transfer(to: PeerId | string): Promise<string> {
    return this.#directory.records.transfer(to);
  }

  /**
   * Who has a name, or whether a peer is here; null when there is nobody who lets this peer see it. The record is
   * verified: the relay cannot make one up.
   * @throws (as rejections) OptionError; SupernodeError `bad-name`; `bad-record` when the relay answers with a record
   *   that does not verify.
   */
  async lookup(nameOrId: string, options: LookupOptions = {}): Promise<Found | null> {
    return this.#directory.records.lookup(nameOrId, options.record ?? true, options.signal);
  }

  /**
   * Names that begin so, of peers that let themselves be searched for.
   * @param prefix 3 characters to 63 bytes; case does not matter.
   * @throws (as rejections) OptionError; RelayError `rate-limited` beyond 10 at once and one a second.
   */
  async search(prefix: string, options: SearchOptions = {}): Promise<SearchResult> {
    return this.#directory.records.search(prefix, options.most, options.signal);
  }

  /**
   * Tells of these peers by `presence` events from now on, over reconnections too; at most 512. Resolves with their states
   * now, in their order.
   * @throws (as rejections) OptionError; SupernodeError `bad-peer-id`, `too-many-watches`; then none is added.
   */
  async watch(ids: Iterable<string>): Promise<Presence[]> {
    return this.#directory.watches.watch(ids);
  }

  /** @throws OptionError; SupernodeError `bad-peer-id`. */
  unwatch(ids: Iterable<string>): void {
    this.#directory.watches.unwatch(ids);
  }

  /** Shows this peer as away, or not, over reconnections too. @throws OptionError */
  setAway(away: boolean): void {
    this.#directory.watches.setAway(away);
  }

  /** A list that all devices with this identity share, and that the relay cannot read. */
  get contacts(): Contacts {
    return this.#directory.contacts;
  }

  /** Messages for peers that may be away, and from them. */
  get messages(): Messages {
    return this.#directory.messages;
  }

  /** Who may see and reach this peer. */
  get policy(): Policy {
    return this.#directory.policy;
  }

  /**
   * Closes the peer for good. What send() accepted on realtime channels is sent first; reliable channels are cut, so
   * `end()` them before. Resolves when the connection is gone; harmless when closed.
   */
  close(): Promise<void> {
    return this.#link.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** @internal */
  async start(signal: AbortSignal | undefined): Promise<void> {
    await this.#link.start(signal);
  }

  #decide(offer: Offer): boolean | Promise<boolean> {
    if (this.onoffer !== null) return this.onoffer(offer);
    return this.onchannel !== null || this.#listensForChannels || this.#incoming.used;
  }

  #arrived(channel: Channel): void {
    const heard = this.onchannel !== null || this.#listensForChannels;
    const event = new ChannelEvent(channel);
    callHandler(this.onchannel, event);
    this.dispatchEvent(event);
    if (!heard || this.#incoming.used) this.#incoming.add(channel);
  }

  #closed(error: SupernodeError | undefined): void {
    this.#incoming.end(error);
    this.#directory.closed(error);
    this.dispatchEvent(new ClosedEvent(error));
  }
}

/** Connects and logs in; the entries of the package bind `platform`. */
export async function connectOn(
  platform: Platform,
  url: string,
  options: ConnectOptions = {},
): Promise<Peer> {
  const checked = checkConnect(url, options);
  options.signal?.throwIfAborted();
  const peer = new Peer(platform, checked, options);
  await peer.start(options.signal);
  return peer;
}
