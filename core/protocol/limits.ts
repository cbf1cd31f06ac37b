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

/** Realtime bytes that wait for one receiver; beyond it the oldest of the lowest class go. */
export const MAX_REALTIME_QUEUE_BYTES = 256 * KiB;
/**
 * Of these each class may have so much; beyond it its own oldest go. Signal, audio, message, video, bulk. Audio: all of it,
 * since a turn that brings more for one receiver than one message carries passes through here too (with 160 KiB ten peers
 * with 640 packets under way each lost some). Video: half a second of 2 Mbit/s. The others: a burst of 100 KB to one who has just come, beyond
 * the first window of workers/shard/flight.ts.
 */
export const CLASS_QUEUE_BYTES = [64 * KiB, 256 * KiB, 128 * KiB, 128 * KiB, 128 * KiB] as const;
/**
 * How old a frame of each class may get there, if its channel's life does not end before. Video that is later than a second
 * is a picture of what was, and who shows it waits for the next key frame anyway; bulk that is lossy is asked for again.
 */
export const CLASS_QUEUE_MS = [65_535, 65_535, 65_535, 1_000, 500] as const;
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
/** Logins that wait to be checked, and as many under way: 2 s of one core at 136 us a signature. Beyond it: `busy`. */
export const MAX_LOGINS_PENDING = 16_384;

/** Where else to go, in `moving` and in the error `drained`: 8 x 256 bytes leave room in a control frame. */
export const MAX_SUCCESSORS = 8;
export const MAX_SUCCESSOR_BYTES = 256;

// --- The directory -------------------------------------------------------------------------------------------------

/** A name in UTF-8: a DNS label's length, so that one can become the other. */
export const MAX_NAME_BYTES = 63;
/** So that a search, which needs as many, can find every name. */
export const MIN_NAME_CHARACTERS = 3;
/** A shorter prefix would list a large part of the directory. */
export const MIN_SEARCH_CHARACTERS = 3;
/** Entries of one array in a frame. */
export const MAX_SEARCH_RESULTS = MAX_CONTROL_ENTRIES;
export const MAX_KEYS_PER_FRAME = MAX_CONTROL_ENTRIES;
export const MAX_PROFILE_BYTES = 1 * KiB;
/** docs/protocol.md §12.2: 114 fixed, an heir's key 32, name 1 + 63, profile 2 + 1,024. */
export const MAX_RECORD_BYTES = 114 + 32 + 1 + MAX_NAME_BYTES + 2 + MAX_PROFILE_BYTES;
/** How far ahead a record may expire: who is gone for longer gives up the name. */
export const MAX_RECORD_LIFE_MS = 366 * 24 * 3_600_000;
/** Someone seen within 72 h is findable, as in Skype (Baset and Schulzrinne, 2006). */
export const RECORD_TTL_MS = 72 * 3_600_000;
/** The whole vault, signature included: about 1,000 contacts at 64 bytes. */
export const MAX_VAULT_BYTES = 64 * KiB;
/** The vault, and the frame around it. */
export const MAX_DIRECTORY_FRAME_BYTES = MAX_VAULT_BYTES + 1 * KiB;
/** Keys on each of a peer's lists, the allowed and the blocked: rows of 65 bytes, 65 KiB each. */
export const MAX_LIST_KEYS = 1_024;
/** 3 x the p95 of 150 contacts (Skype, see docs/benchmarks.md); 512 x about 100 bytes = 50 KiB a session. */
export const MAX_WATCHES_PER_SESSION = 512;
/** Changes of presence are gathered for this long, and only the last of each peer is told. */
export const PRESENCE_GATHER_MS = 200;
/** Directory requests of one session that wait for their answers; beyond it `too-many-requests`. */
export const MAX_REQUESTS_PENDING = 64;
/** Searches: a burst, then one a second. */
export const SEARCH_BURST = 10;
export const SEARCHES_PER_SEC = 1;
/** Writes of one session (publish, vault, policy, send): a burst, then so many a second. */
export const WRITE_BURST = 100;
export const WRITES_PER_SEC = 50;
/** Requests of all sessions that wait for the directory pool; beyond it `busy`, come back. */
export const MAX_READS_PENDING = 65_536;
export const MAX_WRITES_PENDING = 16_384;

// --- Messages for those who are away ----------------------------------------------------------------------------------

export const MESSAGE_ID_BYTES = 16;
/** One message; four of them fill a frame's worth of memory on the way. */
export const MAX_MESSAGE_BYTES = 16 * KiB;
export const MAX_MAILBOX_MESSAGES = 1_000;
export const MAX_MAILBOX_BYTES = 4 * MiB;
/** Receipts in a mailbox; beyond it the oldest receipt goes. */
export const MAX_MAILBOX_RECEIPTS = 1_000;
export const MAX_MESSAGE_LIFE_MS = 30 * 24 * 3_600_000;
/** Mail sent to a session and not acknowledged yet: the next is read from the store after an acknowledgement. */
export const MAIL_WINDOW_MESSAGES = 32;
export const MAIL_WINDOW_BYTES = 128 * KiB;

// --- Keep-alive ----------------------------------------------------------------------------------------------------

/** uWebSockets.js closes a socket that was silent for this long; it pings by itself before. */
export const IDLE_TIMEOUT_SECONDS = 120;
/** A client that heard nothing for this long asks, and gives the relay PONG_TIMEOUT_MS to answer. */
export const PING_INTERVAL_MS = 20_000;
export const PONG_TIMEOUT_MS = 10_000;
