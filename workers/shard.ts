/**
 * A shard: one thread of the shard pool, with its own uWebSockets.js app, sessions, channel ends and outboxes. The task
 * never ends until the relay closes. Start reading at shard/forward.ts for the packet path.
 *
 * One turn of the event loop: uWebSockets.js calls `message` for every socket that has something (frames go to
 * outboxes and rings); then `#turn` reads the rings, flushes every outbox with one send, and commits the rings.
 */
import { loadSodium } from '../core/identity/sodium.ts';
import type { KnownPolicy } from '../core/identity/ticket.ts';
import { Behind } from '../core/overload/behind.ts';
import { VersionRules } from '../core/overload/version-rules.ts';
import { ProtocolError, type WireErrorCode } from '../core/protocol/errors.ts';
import { Accounts, CELLS, REFUSED_CHANNELS } from '../core/threads/accounts.ts';
import { C, countersOf } from '../core/threads/counters.ts';
import type { ShardAsk } from '../core/threads/directory-messages.ts';
import { packChanges, packProofs, unpackVerdicts } from '../core/threads/login-posts.ts';
import type {
  FromShard,
  LoginProof,
  PresenceChange,
  ShardMessage,
  ShardTask,
  ToShard,
} from '../core/threads/messages.ts';
import { type Place, PRESENCE_PLAIN, PresenceTable } from '../core/threads/presence.ts';
import { Versions } from '../core/threads/versions.ts';
import type { WhyReason } from '../core/threads/why-reasons.ts';
import { createShardApp, type ShardApp, type ShardSocket } from '../core/transport/uws.ts';
import { Asks } from './shard/asks.ts';
import { ChangePosts } from './shard/change-posts.ts';
import { Channels } from './shard/channels.ts';
import { Congestion } from './shard/congestion.ts';
import { ControlFrames } from './shard/control-frames.ts';
import { Departures } from './shard/departures.ts';
import { Directory } from './shard/directory.ts';
import { Drain } from './shard/drain.ts';
import { Ends } from './shard/ends.ts';
import { deliverLocal, forwardBundle } from './shard/forward.ts';
import { Gate } from './shard/gate.ts';
import { HeldCredit } from './shard/held-credit.ts';
import { LimitWarnings } from './shard/limit-warnings.ts';
import { Links } from './shard/links.ts';
import { Logins } from './shard/logins.ts';
import { Meters } from './shard/meters.ts';
import { MidTurn } from './shard/mid-turn.ts';
import { Outboxes } from './shard/outbox.ts';
import { Reads } from './shard/reads.ts';
import { SelfWatch } from './shard/self-watch.ts';
import { ENDED, LIVE, type Session, SessionTable } from './shard/session.ts';
import { WhyLedger } from './shard/why.ts';

/** Deadlines are looked at this often. */
const SWEEP_MS = 500;

class Shard {
  readonly task: ShardTask;
  readonly index: number;
  readonly counters: Float64Array;
  readonly sessions = new SessionTable();
  readonly ends = new Ends();
  readonly why = new WhyLedger(this.ends, this.sessions);
  readonly presence: PresenceTable;
  readonly versions: Versions;
  readonly hasDirectory: boolean;
  readonly outboxes: Outboxes;
  readonly links: Links;
  readonly congestion: Congestion;
  readonly accounts: Accounts;
  readonly meters: Meters;
  readonly heldCredit: HeldCredit;
  readonly tenants: boolean;
  readonly behind = new Behind();
  readonly asks: Asks;
  readonly #reads: Reads;
  readonly gate: Gate;
  readonly #directory: Directory;
  readonly #channels: Channels;
  readonly #logins: Logins;
  readonly #controls: ControlFrames;
  readonly #drain: Drain;
  readonly #departures: Departures;
  readonly #limitWarnings: LimitWarnings;
  readonly versionRules: VersionRules;
  readonly #selfWatch: SelfWatch;
  readonly #app: ShardApp;
  readonly #closed: () => void;
  #turnDue = false;
  readonly #midTurn = new MidTurn();
  #sending = false;
  #proofs: LoginProof[] = [];
  readonly #changes = new ChangePosts((changes) =>
    this.#tell({ kind: 'changes', changes: packChanges(changes) }),
  );
  #sweep: NodeJS.Timeout | undefined;

  constructor(task: ShardTask, closed: () => void) {
    this.task = task;
    this.index = task.index;
    this.#closed = closed;
    this.counters = countersOf(task.counters, task.index);
    this.presence = new PresenceTable(task.presence);
    this.versions = new Versions(task.versions);
    this.hasDirectory = task.directory;
    this.versionRules = new VersionRules(task.refuseVersions);
    this.outboxes = new Outboxes(
      {
        why: this.why,
        congestion: {
          droppedFor: (label, cause, frames) => this.congestion.droppedFor(label, cause, frames),
          passedFor: (label, bytes) => this.congestion.passedFor(label, bytes),
        },
        end: (session, code, message) => this.refuse(session, code, message),
        fault: (session, error) => this.#fault('flush', error, session),
        schedule: this.#schedule,
      },
      this.ends,
      this.counters,
    );
    this.links = new Links(
      {
        data: (bytes, start, stop, frames) => deliverLocal(this, bytes, start, stop, frames),
        message: (from, message: ShardMessage) => this.#channels.message(from, message),
        schedule: this.#schedule,
        fault: (where, error) => this.#fault(where, error, undefined),
      },
      task,
      this.counters,
    );
    this.#selfWatch = new SelfWatch(this.counters, this.behind, this.outboxes.flights);
    this.congestion = new Congestion(this);
    this.tenants = task.tenants;
    this.accounts = new Accounts(task.accounts);
    this.meters = new Meters({
      index: task.index,
      accounts: this.accounts,
      budgets: task.budgets,
      tenants: task.tenants,
      refilled: () => {
        this.heldCredit.refilled();
        this.outboxes.refilled();
      },
    });
    this.heldCredit = new HeldCredit({
      ends: this.ends,
      counters: this.counters,
      passCredit: (session, end, bytes, initial) => this.#channels.passCredit(session, end, bytes, initial),
    });
    this.asks = new Asks({
      schedule: this.#schedule,
      fault: (session, error) => this.#fault('answer', error, session),
    });
    this.#reads = new Reads({
      shards: task.shards,
      counters: this.counters,
      answers: (answers) => this.asks.answers(answers),
      trouble: (trouble) => this.#tell({ kind: 'trouble', trouble }),
    });
    this.#directory = new Directory(this);
    this.#channels = new Channels(this);
    const warn = (code: string, message: string): void => this.#tell({ kind: 'warning', code, message });
    this.gate = new Gate(task, this.counters, warn);
    this.#limitWarnings = new LimitWarnings(this.counters, warn);
    this.#logins = new Logins(this);
    this.#controls = new ControlFrames({
      outboxes: this.outboxes,
      logins: this.#logins,
      channels: this.#channels,
      directory: this.#directory,
    });
    this.#drain = new Drain(this);
    this.#departures = new Departures(this, {
      logins: this.#logins,
      channels: this.#channels,
      directory: this.#directory,
      drain: this.#drain,
      tell: this.#tell,
    });
    this.#app = createShardApp<Session>(
      {
        open: (socket, offered) => this.#open(socket, offered),
        message: (session, message, isBinary) => this.#message(session, message, isBinary),
        drain: (session) => this.outboxes.drained(session),
        pong: (session, payload) => this.outboxes.answered(session, payload),
        close: (session, lost, limit) => {
          session.socketGone = true;
          if (limit !== null) this.counters[limit === 'silent' ? C.endedSilent : C.endedOversized]!++;
          this.#logins.through(session);
          this.#departures.finish(session, 'peer-gone', lost ? 'lost' : 'left');
          this.#amongMany();
        },
        fault: (where, error, session) => this.#fault(where, error, session),
      },
      task.tls,
      this.gate,
      task.idleTimeoutSeconds,
    );
  }

  start(): void {
    const { task } = this;
    process.on('uncaughtException', (error) => this.#fault('thread', error, undefined));
    process.on('unhandledRejection', (error) => this.#fault('thread', error, undefined));
    task.control.on('message', (message: ToShard) => {
      try {
        this.#told(message);
      } catch (error) {
        this.#fault('control', error, undefined);
      }
    });
    this.#sweep = setInterval(() => {
      const now = performance.now();
      this.why.tick(Date.now());
      this.counters[C.whyForgotten] = this.why.forgotten;
      this.#logins.expire(now);
      this.#channels.expireOffers(now);
      this.#directory.sweep(now);
      this.#limitWarnings.look(now);
    }, SWEEP_MS);
    this.#selfWatch.start();
    this.#tell({ kind: 'up', descriptor: task.tls ? null : this.#app.descriptor() });
  }

  // --- what the socket brings ------------------------------------------------------------------------------------

  /**
   * Before what takes long, and may come from many (shard/mid-turn.ts). Not with TLS, where nothing is written within the callback
   * of another socket.
   */
  #amongMany(): void {
    if (!this.#turnDue || this.task.tls !== null) return;
    if (this.#midTurn.isDue(performance.now())) this.#send();
  }

  /** A socket may be closed within it, of which its callback tells. */
  #send(): void {
    if (this.#sending) return;
    this.#sending = true;
    try {
      this.outboxes.flush();
      this.links.commit();
    } finally {
      this.#sending = false;
    }
  }

  #open(socket: ShardSocket<Session>, offered: string): Session {
    this.#amongMany();
    const session = this.sessions.add(socket);
    this.counters[C.sockets]!++;
    try {
      if (this.#drain.draining) this.#drain.refuse(session);
      else this.#logins.begin(session, offered);
    } catch (error) {
      // Nobody else knows of the session yet, and `close` will not be called for it.
      this.#logins.through(session);
      this.#departures.finish(session, 'peer-gone', 'internal');
      throw error;
    }
    return session;
  }

  #message(session: Session, message: ArrayBuffer, isBinary: boolean): void {
    if (session.state === ENDED) return;
    if (!isBinary) {
      this.refuse(session, 'text-message', 'Every message must be binary: a bundle of msgpack frames.');
      return;
    }
    if (session.state === LIVE) this.#forward(session, new Uint8Array(message));
    else {
      this.#amongMany();
      this.#logins.early(session, message);
    }
  }

  #forward(session: Session, bundle: Uint8Array): void {
    try {
      forwardBundle(this, session, bundle);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.refuse(session, error.code as WireErrorCode, error.message);
    }
  }

  /** A bundle that was put aside until now; see LoginsHost. */
  read(session: Session, bundle: Uint8Array): void {
    try {
      this.#forward(session, bundle);
    } catch (error) {
      this.#fault('message', error, session);
    }
  }

  /** One control frame of a peer; the packet path calls it. @throws ProtocolError */
  control(session: Session, bytes: Uint8Array, start: number, end: number): void {
    this.#controls.read(session, bytes, start, end);
  }

  /** Part of the packet path: see ForwardHost. */
  lookup(session: Session, bytes: Uint8Array, at: number, end: number): number {
    return this.#directory.lookup(session, bytes, at, end);
  }

  /** See ChannelsHost. */
  get reach(): Directory['reach'] | null {
    return this.hasDirectory ? this.#reach : null;
  }
  readonly #reach: Directory['reach'] = (session, peer, answered) =>
    this.#directory.reach(session, peer, answered);

  /** Realtime frames that there is no budget for; the packet path calls it. */
  shed(session: Session, end: number, frames: number): void {
    this.counters[C.dropBudget]! += frames;
    this.why.noteSent(end, 'budget', frames);
    this.congestion.dropped(end, 'budget', frames);
    this.meters.shed(session.meter!, frames);
    this.schedule();
  }

  /** See ChannelsHost. */
  quotaRefused(account: number): void {
    this.accounts.cellsOf(this.index)[account * CELLS + REFUSED_CHANNELS]!++;
    const now = performance.now();
    if (now - (this.#fullSaid.get(account) ?? Number.NEGATIVE_INFINITY) < 60_000) return;
    this.#fullSaid.set(account, now);
    this.#tell({ kind: 'channels-full', account });
  }
  readonly #fullSaid = new Map<number, number>();

  /** A reliable channel's sender sent too much; the packet path calls it. */
  overrun(end: number): void {
    this.#channels.overrun(end);
  }

  // --- what the main thread and other shards bring -------------------------------------------------------------------

  #told(message: ToShard): void {
    switch (message.kind) {
      case 'listen': {
        const { host, port, alone } = message;
        this.#tell({ kind: 'listening', listens: this.#app.listen(host, port, alone) });
        return;
      }
      case 'stop-listening':
        this.#app.stop();
        return;
      case 'verdicts':
        for (const verdict of unpackVerdicts(message.verdicts)) this.#logins.verdict(verdict);
        return;
      case 'answers':
        this.asks.answers(message.answers);
        return;
      case 'reader':
        this.#reads.connect(message.port);
        return;
      case 'presence':
      case 'plain':
      case 'mail':
        this.#directory.news(message);
        return;
      case 'disconnect': {
        const session = this.sessions.find(message.slot, message.generation);
        if (session && session.state === LIVE) this.refuse(session, 'disconnected', message.message);
        return;
      }
      case 'why': {
        const { requestId, peer, other } = message;
        const { forgotten } = this.why;
        this.#tell({ kind: 'why', requestId, entries: this.why.find(peer, other), forgotten });
        return;
      }
      case 'drain':
        this.#beginDrain(message.retryAfterMs, message.successors);
        return;
      case 'slow-versions':
        this.versionRules.slow = new Set(message.versions);
        return;
      case 'leave':
        this.#drain.leave(message.orders);
        this.#schedule();
        return;
      case 'close':
        this.close();
    }
  }

  #beginDrain(retryAfterMs: number, successors: string[]): void {
    if (successors.length === 0) this.#app.stop();
    const sessions = this.#drain.begin(retryAfterMs, successors);
    if (sessions !== null) this.#tell({ kind: 'leaving', sessions });
  }

  submit(proof: LoginProof): void {
    this.#proofs.push(proof);
    this.#schedule();
  }

  arrived(session: Session, resumed: boolean, known: KnownPolicy | null): void {
    if (this.hasDirectory) this.#directory.arrivals.arrived(session, known);
    else session.presenceFlags = PRESENCE_PLAIN;
    this.changed({ peer: session.key!, came: { client: session.client, resumed } });
  }

  /** Who came, left, or is away or back: for the main thread. */
  changed(change: PresenceChange): void {
    this.#changes.add(change);
    // Before such a peer hears that it is in and can come again, the main thread is told that its wait is over.
    if (change.came != null && this.versionRules.slow.has(change.came.client)) this.#changes.flush();
    this.schedule();
  }

  replace(former: Place): void {
    if (former.shard !== this.index) {
      this.links.sendMessage(former.shard, {
        t: 'replace',
        slot: former.slot,
        generation: former.generation,
      });
      return;
    }
    const session = this.sessions.find(former.slot, former.generation);
    if (session) this.replaced(session);
  }

  replaced(session: Session): void {
    if (session.state !== LIVE) return;
    this.refuse(session, 'replaced', 'The same key has logged in elsewhere; the newest login holds it.');
  }

  // --- how a session ends ------------------------------------------------------------------------------------------------

  /** See departures.ts. */
  refuse(
    session: Session,
    code: WireErrorCode,
    message: string,
    retryAfterMs?: number,
    why?: WhyReason,
  ): void {
    this.#departures.refuse(session, code, message, retryAfterMs, why);
  }

  #fault(where: string, error: unknown, session: Session | undefined): void {
    this.#departures.fault(where, error, session);
  }

  close(): void {
    clearInterval(this.#sweep);
    this.#selfWatch.stop();
    this.#drain.stop();
    this.congestion.stop();
    this.meters.stop();
    this.#reads.stop();
    // The exit guard waits for the count below: nothing before it may throw.
    for (const session of this.sessions.all()) {
      try {
        this.refuse(session, 'drained', 'This relay is closing.');
      } catch (error) {
        this.#fault('close', error, session);
      }
    }
    try {
      this.#turn();
      this.#changes.stop();
      this.#departures.sayAll();
    } catch (error) {
      this.#fault('close', error, undefined);
    }
    this.#app.close();
    const closed = new Int32Array(this.task.closedShards);
    Atomics.add(closed, 0, 1);
    Atomics.notify(closed, 0);
    // uWebSockets.js frees closed sockets at the end of a turn of the loop: the thread must live that long.
    setImmediate(() => setImmediate(this.#closed));
  }

  // --- turns ---------------------------------------------------------------------------------------------------------------

  readonly #schedule = (): void => {
    if (this.#turnDue) return;
    this.#turnDue = true;
    setImmediate(this.#turn);
  };

  /** Asks for a turn. */
  schedule(): void {
    this.#schedule();
  }

  readonly #turn = (): void => {
    this.#turnDue = false;
    this.links.receive();
    this.#directory.flush();
    this.congestion.flush();
    this.#send();
    this.#midTurn.ended();
    this.#departures.say();
    // What the main thread is to know, once per turn. Taken first: one that cannot be packed must not hold up those of later turns.
    if (this.#proofs.length > 0) {
      const proofs = this.#proofs;
      this.#proofs = [];
      this.#tell({ kind: 'logins', proofs: packProofs(proofs) });
    }
    this.#changes.turnEnded();
    this.counters[C.directoryAsks]! += this.asks.post(this.#directoryPool);
  };

  readonly #directoryPool = {
    read: (asks: ShardAsk[]): void => this.#reads.take(asks),
    write: (asks: ShardAsk[]): void => this.#tell({ kind: 'asks', asks }),
  };

  readonly #tell = (message: FromShard): void => {
    this.task.control.postMessage(message);
  };
}

// For tickets (core/identity/hmac.ts): before the shard is there, since it takes 25 ms.
loadSodium();

/** The pool's task: runs until the main thread says `close`. */
export default function shard(task: ShardTask): Promise<void> {
  return new Promise((closed) => new Shard(task, closed).start());
}
