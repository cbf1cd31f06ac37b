/**
 * What a scenario process is told to do, and what it reports: the parts of a supernode's load that are no plain packet
 * flows. Types only.
 *
 *   connect -> connected     run -> measuring, measured     disconnect -> disconnected     stop -> stopped
 *
 * `failed` may come at any time, and nothing comes after it. After `disconnected` there may be another `connect`.
 * Every scenario has phases of its own; `run` with a phase of another scenario fails.
 */

export const SCENARIO_KINDS = ['login-storm', 'login-cost', 'login-flood', 'idle', 'supernode'] as const;
export type ScenarioKind = (typeof SCENARIO_KINDS)[number];

interface PlanOfAll {
  /** `ws://host:port` of the relay. */
  address: string;
  /** Peers of this scenario process. */
  peers: number;
  /** Of every random number: the same plan and seed give the same load. */
  seed: number;
}

/** Peers that log in, over and over: when all are in, the one that has been in for longest leaves and comes again. */
export interface LoginStormPlan extends PlanOfAll {
  kind: 'login-storm';
  /** Calls in progress beside the storm, between peers of their own: 50 packets/s of 160 bytes each way. */
  calls: number;
}

/** Peers that log in, each time over a fresh connection, with nothing beside them: what a login costs. */
export interface LoginCostPlan extends PlanOfAll {
  kind: 'login-cost';
}

/** Peers in calls, two in each, 50 packets/s of 160 bytes each way; and floods of logins by other keys. */
export interface LoginFloodPlan extends PlanOfAll {
  kind: 'login-flood';
  /** Of the flood: so many sockets at most has a wave. */
  keys: number;
}

/** Peers that log in and stay, each with one ping per keepAliveMs, spread evenly. */
export interface IdlePlan extends PlanOfAll {
  kind: 'idle';
  /** 20,000 is usual; 0: no pings. */
  keepAliveMs: number;
  /** Logins under way at a time while connecting. */
  concurrency: number;
}

/** The mix of a supernode. Rates and sizes are in supernode-mix.ts, with their sources. */
export interface SupernodePlan extends PlanOfAll {
  kind: 'supernode';
  /** Logins under way at a time while connecting. */
  concurrency: number;
  /** How audio is sent: 160 bytes 50 times a second, or 67 bytes 33 times. */
  audio: '160x50' | '67x33';
  /**
   * How many seconds of a user's life pass in one: logins, calls, conversations, messages and presence come this much
   * more often and last this much shorter. Packets of calls and keep-alive go at their true rate.
   */
  compression: number;
  /**
   * `watches`: who comes in watches the contacts (the batch of look-ups at a login), a caller looks up whom it calls, and a
   * change of presence is pushed by the relay. `none`: no watches and no look-ups.
   */
  presence: 'watches' | 'none';
}

export type ScenarioPlan = LoginStormPlan | LoginCostPlan | LoginFloodPlan | IdlePlan | SupernodePlan;

interface PhaseTimes {
  warmupMs: number;
  measureMs: number;
}

export type ScenarioPhase =
  /** login-storm, closed loop: `concurrency` logins under way; the relay sets the pace. */
  | ({ kind: 'logins-closed'; proof: LoginProofKind; concurrency: number } & PhaseTimes)
  /**
   * login-cost: `concurrency` logins under way; the relay sets the pace. `peers`: so many come and stay, and then the phase
   * ends, whatever measureMs says; null: the peers of the plan leave and come again for measureMs.
   */
  | ({ kind: 'logins-alone'; proof: AnyLoginProof; concurrency: number; peers: number | null } & PhaseTimes)
  /** login-storm, open loop: `ratePerSec` logins are due a second; latency counts from the time a login was due. */
  | ({ kind: 'logins-open'; proof: LoginProofKind; ratePerSec: number } & PhaseTimes)
  /**
   * login-flood: `turns` times measureMs of calls alone, then as long with a flood beside them. `waves`: see login-flood.ts;
   * each sends its proofs at `overCapacity` times what the relay takes beside the calls, measured before.
   */
  | ({ kind: 'quiet-and-flood'; flood: 'closed' | 'waves'; overCapacity: number; turns: number } & PhaseTimes)
  /** idle and supernode: the load goes on as planned. */
  | ({ kind: 'steady' } & PhaseTimes);

/** `signature`: Ed25519. `ticket`: a resume ticket of an earlier login; who has none gets one before the warm-up. */
export type LoginProofKind = 'signature' | 'ticket';
/** `early`: the ticket goes with the request for the WebSocket, not after `hello`. */
export type AnyLoginProof = LoginProofKind | 'early';

export type ToScenario =
  | { kind: 'connect'; plan: ScenarioPlan }
  | { kind: 'run'; phase: ScenarioPhase }
  /** Every peer leaves. */
  | { kind: 'disconnect' }
  /** Calls end, everything under way must arrive, every peer leaves, and the process ends. */
  | { kind: 'stop' };

/** One kind of operation in the measured time. */
export interface OperationResult {
  /** Open loop: how many were due in the measured time. Closed loop: null. */
  due: number | null;
  /** How many were completed in the measured time, and per second. */
  done: number;
  perSec: number;
  /** Under way when the measured time ended. Not lost: work in progress. */
  underWay: number;
  /** Known to be lost by then. */
  lost: number;
  /**
   * HdrHistogram of microseconds, V2 compressed, base64: latency of those that were done, from the time they were due
   * (closed loop: from their start), and the age of those under way for more than 100 ms, which a stall would hide.
   */
  histogram: string;
}

interface ResultOfAll {
  elapsedMs: number;
  /** CPU time of the scenario process over the same span, that of the calls beside a storm included. */
  cpuMs: number;
}

/** How often the relay named a time to wait, and whether the load kept to it. */
export interface RetryCounts {
  /** Tries after the first one of a login. */
  retries: number;
  /** Refusals that named a retryAfterMs; the sum of what they named, and of what was waited before the next try. */
  asked: number;
  askedMs: number;
  waitedMs: number;
  /** Tries that came before the named time: a fault of the load. */
  early: number;
}

export interface LoginStormResult extends ResultOfAll {
  kind: 'login-storm';
  proof: LoginProofKind;
  /** From the time it was due (closed: from its first try) to `ready`, refused tries and waits included. */
  login: OperationResult;
  /** From the connect of the try that succeeded to `ready`. */
  handshake: OperationResult;
  /** Tries that the relay refused, by the code of its error; none is a fault of the load. */
  refused: Record<string, number>;
  retry: RetryCounts;
  /** Peers that were refused for good (such as `denied`) and try no more. */
  givenUp: number;
  /** Tickets that were not taken, so that a signature followed. */
  ticketsRefused: number;
  /** Packets of the calls beside the storm; null without any. */
  audio: OperationResult | null;
}

export interface LoginCostResult extends ResultOfAll {
  kind: 'login-cost';
  /** From connect to `ready`. */
  login: OperationResult;
  refused: Record<string, number>;
}

export interface LoginFloodResult extends ResultOfAll {
  kind: 'login-flood';
  /** Packets of the calls, one for each turn. */
  quiet: OperationResult[];
  flood: OperationResult[];
  /** Logins a second that the relay takes beside the calls, one after the other as fast as it can. */
  capacityPerSec: number;
  /** Proofs a second that were sent, the median of the waves; in a closed loop, logins a second. */
  offeredPerSec: number;
  refused: Record<string, number>;
}

export interface IdleResult extends ResultOfAll {
  kind: 'idle';
  /** Peers that are logged in. */
  peers: number;
  ping: OperationResult;
}

export const SUPERNODE_OPERATIONS = [
  'audio',
  'video',
  'signal',
  'message',
  'set-up',
  'login',
  'look-up',
  'presence',
  'ping',
] as const;
/**
 * `set-up`: from the time a call was due to its media channels being open. `signal`: a frame of a call's set-up.
 * `look-up`: of a callee, or of up to 32 contacts to be watched. `presence`: from a change to a watcher's hearing of it: the relay gathers
 * for 200 ms, and tells the last state only, so there is no number of them that must come.
 */
export type SupernodeOperation = (typeof SUPERNODE_OPERATIONS)[number];

export interface SupernodeResult extends ResultOfAll {
  kind: 'supernode';
  operations: Record<SupernodeOperation, OperationResult>;
  /** As the measured time ended. */
  peersOnline: number;
  callsUp: number;
  conversations: number;
  /** In the measured time. */
  callsEnded: number;
  leaves: number;
}

export type ScenarioResult =
  | LoginStormResult
  | LoginCostResult
  | LoginFloodResult
  | IdleResult
  | SupernodeResult;

export type FromScenario =
  /** Everybody is where the plan wants them; `peers` are logged in. */
  | { kind: 'connected'; elapsedMs: number; peers: number }
  | { kind: 'disconnected' }
  /** The warm-up is over: the measured time begins now. */
  | { kind: 'measuring' }
  /** The measured time has just ended. */
  | { kind: 'measured'; result: ScenarioResult }
  /** What was sent has arrived as it was sent: `packets` in all, but for `lost`. */
  | { kind: 'stopped'; packets: number; lost: number }
  /** `lost`, `corrupted` (also: out of order, repeated, for somebody else) or `broken` (the connection, a refusal, a deadline). */
  | { kind: 'failed'; fault: 'lost' | 'corrupted' | 'broken'; message: string };
