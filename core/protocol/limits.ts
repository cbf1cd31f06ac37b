/**
 * Every limit of the protocol and of a relay's memory, with the arithmetic that sized it. docs/operations.md lists
 * them for operators; a relay repeats those that a client must know in its `ready` frame.
 */

const KiB = 1024;
const MiB = 1024 * KiB;

// --- Frames ---------------------------------------------------------------------------------------------------

/** A whole frame, header and payload. 64 KiB is the largest message every WebRTC stack carries as well. */
export const MAX_FRAME_BYTES = 64 * KiB;
/** array header 1 + op 1 + label 5 + bin 16 header 3. */
export const DATA_HEADER_MAX_BYTES = 10;
/** array header 1 + op 1 + label 5 + bin 8 header 2. */
export const DATA_HEADER_MIN_BYTES = 9;
export const MAX_PAYLOAD_BYTES = MAX_FRAME_BYTES - DATA_HEADER_MAX_BYTES;
/** Two of the largest frames: room to bundle, and what one socket can make the relay buffer before it parses. */
export const MAX_BUNDLE_BYTES = 2 * MAX_FRAME_BYTES;
/** A login is about 250 bytes and an offer about 200; four kilobytes is room for every field at its longest. */
export const MAX_CONTROL_BYTES = 4 * KiB;
/** Nesting inside a control frame: array > body > limits/successors > value. */
export const MAX_CONTROL_DEPTH = 4;
/** Entries of one map or array inside a control frame. */
export const MAX_CONTROL_ENTRIES = 32;

// --- Channels -------------------------------------------------------------------------------------------------

/** 4 x the largest contact list anybody calls at once; 256 ends x about 60 bytes of tables = 15 KiB a peer. */
export const MAX_CHANNELS_PER_SESSION = 256;
/** Offers that wait for one peer's answer. A person answers one; a service may be slow for a moment. */
export const MAX_OFFERS_PENDING = 32;
/** An offer that nobody answers ends after this long, as an unanswered telephone does. */
export const OFFER_TIMEOUT_MS = 30_000;
/** Longest life of a realtime frame that waits in the relay; the field is an unsigned 16-bit number. */
export const MAX_PACKET_LIFE_MS = 65_535;
/** Life of a realtime frame when the opener names none: a voice packet older than this is better lost. */
export const DEFAULT_PACKET_LIFE_MS = 500;
/** Bytes of a channel's `protocol` text. */
export const MAX_CHANNEL_PROTOCOL_BYTES = 64;

// --- Credit (reliable channels) --------------------------------------------------------------------------------

/** Outstanding credit of one channel. 1 MiB over a 5 ms turn-around is 200 MB/s; 4 MiB leaves room for distance. */
export const MAX_CHANNEL_CREDIT_BYTES = 4 * MiB;
/** What the client grants each of its first LARGE_WINDOWS channels. */
export const LARGE_WINDOW_BYTES = 1 * MiB;
export const LARGE_WINDOWS = 8;
/** What it grants the others: one frame of the largest size must fit, or a channel could stall for ever. */
export const SMALL_WINDOW_BYTES = MAX_FRAME_BYTES;
/**
 * Reliable bytes one session may have granted and not yet taken, over all its channels; so also the most that a
 * receiver that stops reading can make the relay hold: 8 x 1 MiB + 248 x 64 KiB = 23.5 MiB, rounded up.
 */
export const MAX_SESSION_CREDIT_BYTES = 24 * MiB;

/** What a relay tells its clients in `ready`. */
export const ANNOUNCED_LIMITS = {
  frameBytes: MAX_FRAME_BYTES,
  bundleBytes: MAX_BUNDLE_BYTES,
  channels: MAX_CHANNELS_PER_SESSION,
  channelCreditBytes: MAX_CHANNEL_CREDIT_BYTES,
  sessionCreditBytes: MAX_SESSION_CREDIT_BYTES,
} as const;

// --- Queues of one receiver that does not keep up -----------------------------------------------------------------

/** Realtime bytes that wait for one receiver; beyond it the oldest of the lowest class go. About 1 s of video. */
export const MAX_REALTIME_QUEUE_BYTES = 256 * KiB;
/** Control bytes that wait for one receiver; beyond it the session is closed (it asks and does not read). */
export const MAX_CONTROL_QUEUE_BYTES = 256 * KiB;
/** Bytes handed to a socket in one send; what the kernel does not take waits in the socket, so it is bounded too. */
export const MAX_SEND_BYTES = MAX_BUNDLE_BYTES;
/** Bytes that wait in one shard for all receivers; beyond it the session that would add to them is closed. */
export const MAX_SHARD_QUEUE_BYTES = 512 * MiB;

// --- Logging in ----------------------------------------------------------------------------------------------------

export const LOGIN_TIMEOUT_MS = 10_000;
/** Text by which a client names its version. */
export const MAX_CLIENT_VERSION_BYTES = 64;
/** Our tickets are 53 bytes; a fleet's may grow. */
export const MAX_TICKET_BYTES = 256;
export const TICKET_LIFETIME_MS = 24 * 3_600_000;
/** Proofs that wait for the directory pool: 2 s of one core at 136 us a signature. Beyond it: `busy`, come back. */
export const MAX_LOGINS_PENDING = 16_384;

// --- Keep-alive ----------------------------------------------------------------------------------------------------

/** uWebSockets.js closes a socket that was silent for this long; it pings by itself before. */
export const IDLE_TIMEOUT_SECONDS = 120;
/** A client that heard nothing for this long asks, and gives the relay PONG_TIMEOUT_MS to answer. */
export const PING_INTERVAL_MS = 20_000;
export const PONG_TIMEOUT_MS = 10_000;
