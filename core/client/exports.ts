/** The names that both entries of `supernode/client` export: one list, kept by hand. */
export type { Identity } from '../identity/identity.ts';
export type { Audience, PresenceState } from '../protocol/directory-ops.ts';
export {
  ChannelError,
  type CloseReason,
  type CongestionCause,
  type ErrorCode,
  OptionError,
  SupernodeError,
} from '../protocol/errors.ts';
export { MAX_PAYLOAD_BYTES } from '../protocol/limits.ts';
export { PRIORITIES, type Priority } from '../protocol/ops.ts';
export { type PeerId, parsePeerId } from '../protocol/peer-id.ts';
export type { Channel } from './channel.ts';
export type { Contact, ContactFields, Contacts } from './directory/contacts.ts';
export type { InboxErrorEvent, Message, MessagesEvents, ReceiptEvent } from './directory/message.ts';
export type { Messages, SendOptions, Sent } from './directory/messages.ts';
export type { Policy, PolicySettings } from './directory/policy.ts';
export type {
  LookupOptions,
  PublishOptions,
  SearchOptions,
  SignalOption,
} from './directory/record-options.ts';
export type { DirectoryRecord, Found, SearchResult } from './directory/records.ts';
export type { Presence } from './directory/watches.ts';
export type {
  ChannelCloseEvent,
  ChannelErrorEvent,
  ChannelEvents,
  ChannelMessageEvent,
  Congestion,
  CongestionEvent,
} from './events.ts';
export type { Offer } from './offer.ts';
export type { ConnectOptions, OpenOptions, ReconnectOptions } from './options.ts';
export type { Peer } from './peer.ts';
export type {
  ChannelEvent,
  ClosedEvent,
  DisconnectedEvent,
  MovingEvent,
  PeerEvents,
  PresenceEvent,
  ReconnectedEvent,
} from './peer-events.ts';
export type { TrustedCertificates } from './platform.ts';
export { RelayError } from './relay-error.ts';
