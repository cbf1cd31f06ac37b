/** What the simulation supposes of clients and relays beyond the plan and the pace. Sources and sensitivity: docs/replays.md. */

/** Most that an old client waits for an answer, and how long until it asks anew (Baset and Schulzrinne 2004: 5 s, 6 s). */
export const NAIVE = { answerMs: 5_000, againMs: 6_000, atOnce: 4 } as const;
/**
 * The old allocation from the trigger on: everybody is sent to the relays with the least load as of the last report, this
 * share of all. The fault of 2007 was in the "resource allocation", and unseen before (Skype, s); that one client was contacted by 11.3 M peers (p) says that
 * lists were shared and stale. What a herd does to the least loaded: Mitzenmacher, "How Useful Is Old Information", 2000.
 */
export const NAIVE_LIST = { share: 0.02 } as const;

/** Our client: core/client/options.ts, and the timeout of a login (core/protocol/limits.ts). */
export const BACKOFF = { baseMs: 250, capMs: 30_000 } as const;
export const LOGIN_TIMEOUT_MS = 10_000;
/** A peer that finds a relay full asks for another at once, if that relay's retry budget allows, so often. */
export const MOST_REDIRECTS = 2;
/**
 * First tries of a login that the outage brings, as often as it goes faster: of ours that at its own relay and the move to another,
 * whose wait is scaled (bench/replay/pace.ts). The others are made again by the client's clock.
 */
export const EVENT_TRIES = { naive: 1, jitter: 2 } as const;
/** When there is no room anywhere the list says so, and a client looks at it again after this long (a; replay time). */
export const FULL_RETRY_MS = { least: 60_000, most: 120_000 } as const;

/** A client that restarts is away for so long (a; replay time): a reboot, and a crash. */
export const REBOOT_MS = { least: 60_000, most: 180_000 } as const;
export const CRASH_RESTART_MS = { least: 30_000, most: 90_000 } as const;
/** A late answer crashes a client this soon after its login (a). */
export const CRASH_AFTER_MS = { least: 5_000, most: 30_000 } as const;
/** A supernode that crashes again does so after serving for a while (a). */
export const RELAY_CRASH_AFTER_MS = { least: 60_000, most: 120_000 } as const;

/** Directory threads have niceIncrement 10: weight 110 beside 1,024, so this share of a busy core. */
export const LOGIN_LEAST_SHARE = 0.097;
/** Old relays hold a login until its offline messages are read: so many at once, this long each when the store is well (a). */
export const STORE = { atOnce: 64, latencyMs: 50 } as const;
/** A relay that has logins waiting looks at them this often, as the login desk does. */
export const LOOK_MS = 20;
/** Logins that an old relay serves at a look, at most: what its store has read meanwhile. */
export const MOST_SERVED = Math.ceil((STORE.atOnce * LOOK_MS) / STORE.latencyMs);
/** A call with less than this share of its audio for 10 s is given up (a). */
export const AUDIO_LEAST = 0.95;
export const MUTE_SECONDS = 10;
