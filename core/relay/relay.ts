/**
 * The relay, as an embedder sees it: `await createRelay()`. This is the control plane on the main thread: it starts the
 * threads, takes logins to the directory pool and to `authorize`, and ends everything in order. No packet passes here.
 */
import { randomBytes } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { generateIdentity, type Identity } from '../identity/identity.ts';
import { RUN_BYTES, ticketKeyOf } from '../identity/ticket.ts';
import { OptionError, SupernodeError } from '../protocol/errors.ts';
import { IDLE_TIMEOUT_SECONDS } from '../protocol/limits.ts';
import { isPeerId, type PeerId, parsePeerId, peerIdOf } from '../protocol/peer-id.ts';
import { Accounts } from '../threads/accounts.ts';
import { keepEarlyProofs } from '../threads/early-proofs.ts';
import { packVerdicts, unpackChanges, unpackProofs } from '../threads/login-posts.ts';
import { LoopLag } from '../threads/loop-lag.ts';
import type { DepartureReason, FromShard, PresenceChange } from '../threads/messages.ts';
import { type Place, PresenceTable } from '../threads/presence.ts';
import { TaskGate } from '../threads/task-gate.ts';
import { drainRoute } from './admin/drain.ts';
import { healthRoutes, type NotReady } from './admin/health.ts';
import type { Snapshot } from './admin/metrics.ts';
import { numbersRoutes } from './admin/numbers.ts';
import type { AdminRoute } from './admin/routes.ts';
import { type Admin, startAdmin } from './admin/server.ts';
import { RelayDirectory } from './directory.ts';
import { VERIFIERS } from './directory-threads.ts';
import { type DrainOptions, type ResolvedDrain, resolveDrain } from './drain-options.ts';
import { Draining } from './draining.ts';
import { guardExit } from './exit-guard.ts';
import { Listening } from './listening.ts';
import { LoginDesk, type LoginDeskStats } from './login-desk.ts';
import { limitText, type RelayOptions, type ResolvedOptions, resolveOptions } from './options.ts';
import { probePort } from './port.ts';
import { type RelayStats, readStats } from './stats.ts';
import { type TenantStats, Tenants } from './tenants.ts';
import { createShared, ShardThreads, type Shared } from './threads.ts';
import { type TlsFiles, tlsFiles } from './tls-files.ts';
import { VersionDesk, type VersionStats } from './version-desk.ts';
import { WHY_MINUTES, WhyDesk, type WhyReport } from './why-desk.ts';

/** Peers that come now would be told to come back later than this: others should be asked first. */
const READY_BACKLOG_MS = 1_000;
/** As often as the shards do. */
const LAG_SAMPLE_MS = 100;

export interface RelayEvents {
  /** A peer has logged in. */
  peer: [{ id: PeerId; client: string; resumed: boolean }];
  /**
   * A peer's session has ended. `left`: by itself. `lost`: its connection ended without a close. `replaced`: the peer is still here, with a newer session whose `peer`
   * may have come before this.
   */
  gone: [{ id: PeerId; reason: DepartureReason }];
  /** It takes no more peers, and sends those away that are here; `endsInMs`: when that is over at the latest. */
  draining: [{ graceMs: number; spreadMs: number; successors: string[]; endsInMs: number }];
  /** All have gone, or their time is over: the relay may be closed. */
  drained: [];
  /** Something an operator should see; the relay goes on. */
  warning: [{ code: string; message: string }];
}

/**
 * Starts a relay.
 * @returns a relay that listens.
 * @throws OptionError (`bad-option`) for a bad option; SupernodeError `address-in-use` or `listen-failed`; for its
 *   directory `directory-in-use`, `directory-corrupt`, `directory-version`, `directory-full` or `directory-unavailable`.
 */
export async function createRelay(options: RelayOptions = {}): Promise<Relay> {
  const relay = new Relay(resolveOptions(options));
  try {
    await relay.start();
  } catch (error) {
    await relay.close();
    throw error;
  }
  return relay;
}

export class Relay extends EventEmitter<RelayEvents> {
  readonly #options: ResolvedOptions;
  readonly #identity: Identity;
  readonly #shared: Shared;
  readonly #presence: PresenceTable;
  readonly #desk: LoginDesk;
  readonly #versions: VersionDesk;
  readonly #tenants: Tenants;
  readonly #why: WhyDesk;
  readonly #startedAt = performance.now();
  readonly #lag = new LoopLag(LAG_SAMPLE_MS);
  #earlyTimer: NodeJS.Timeout | undefined;
  readonly #lagTimer = setInterval(() => this.#lag.sample(performance.now()), LAG_SAMPLE_MS).unref();
  #shards: ShardThreads | null = null;
  #directory: RelayDirectory | null = null;
  #listening: Listening | null = null;
  #admin: Admin | null = null;
  #tls: TlsFiles | null = null;
  #unguard: (() => void) | null = null;
  #port = 0;
  #shardEnded = false;
  #upHeard: ((shard: number, error: SupernodeError | null, descriptor: unknown) => void) | null = null;
  #state: 'starting' | 'open' | 'draining' | 'closed' = 'starting';
  #draining: Draining | null = null;
  #drained: Promise<void> | null = null;
  #closing: Promise<void> | null = null;

  /** Use createRelay. */
  constructor(options: ResolvedOptions) {
    super();
    this.#options = options;
    this.#identity = options.identity ?? generateIdentity();
    this.#shared = createShared(options.shards, options.maxPeers, options.accounting);
    this.#presence = new PresenceTable(this.#shared.presence);
    this.#why = new WhyDesk({
      shards: options.shards,
      tell: (shard, message) => this.#shards?.tell(shard, message),
      valueOf: (option) => limitText(options, option),
    });
    this.#tenants = new Tenants(
      new Accounts(this.#shared.accounts),
      options.shards,
      options.accounting,
      (code, message) => this.#tell('warning', { code, message }),
    );
    const place: Place = { shard: 0, slot: 0, generation: 0, flags: 0 };
    this.#versions = new VersionDesk({
      options: options.versions,
      slow: (versions) => this.#shards?.tellAll({ kind: 'slow-versions', versions }),
      warn: (code, message) => this.#tell('warning', { code, message }),
    });
    this.#desk = new LoginDesk({
      tenants: options.accounting.tenants === null ? null : this.#tenants,
      isHere: (peer) => this.#presence.find(peer, place),
      verify: (proofs) =>
        this.#directory?.verify(proofs) ??
        Promise.reject(new SupernodeError('relay-closed', 'The relay is closed.')),
      authorize: options.authorize,
      authorizeTimeoutMs: options.authorizeTimeoutMs,
      verifiers: VERIFIERS,
      maxLoginsPerSec: options.admission.maxLoginsPerSec,
      delayMs: (proof, now) => this.#versions.delayMs(proof, now),
      answer: (shard, verdicts) =>
        this.#shards?.tell(shard, { kind: 'verdicts', verdicts: packVerdicts(verdicts) }),
      warn: (code, message) => this.#tell('warning', { code, message }),
    });
  }

  /** The relay's own key, as text. Clients bind their login proofs to it. */
  get id(): PeerId {
    return this.#identity.id;
  }

  /** The port that it listens on. */
  get port(): number {
    return this.#port;
  }

  /** What a client connects to, such as ws://127.0.0.1:7420. */
  get url(): string {
    const { host, tls } = this.#options;
    return `${tls ? 'wss' : 'ws'}://${host.includes(':') ? `[${host}]` : host}:${this.#port}`;
  }

  /** Where the operator asks, and with what; null without the `admin` option. */
  get admin(): { url: string; token: string } | null {
    return this.#admin && { url: this.#admin.url, token: this.#admin.token };
  }

  /** Where the directory is, null for one that is kept only until the relay closes; null without a directory. */
  get directory(): { path: string | null; durable: boolean } | null {
    return this.#directory?.info ?? null;
  }

  get state(): 'starting' | 'open' | 'draining' | 'closed' {
    return this.#state;
  }

  /** The relay's numbers since it started. Cheap: shared counters are read, no thread is asked. */
  stats(): RelayStats & {
    /** What each tenant uses; null without the option `tenants`. */
    tenants: Record<string, TenantStats> | null;
    id: PeerId;
    url: string;
    state: string;
    /** Why it takes no peers now; empty when it does. */
    notReady: NotReady[];
    maxPeers: number;
    uptimeMs: number;
    rssBytes: number;
    admission: LoginDeskStats;
    versions: VersionStats;
    /** Logins of more tenants than there are accounts for: they count as the default tenant's. */
    tenantsUnplaced: number;
    /** Requests that the admin port refused, or connections beyond those that it takes. */
    adminRefused: number;
  } {
    return {
      id: this.id,
      url: this.url,
      state: this.#state,
      notReady: this.#notReady(),
      maxPeers: this.#options.maxPeers,
      uptimeMs: Math.round(performance.now() - this.#startedAt),
      rssBytes: process.memoryUsage.rss(),
      ...readStats(this.#shared.counters, this.#options.shards, this.#directory, this.#lag),
      admission: this.#desk.stats(),
      versions: this.#versions.stats(),
      tenants: this.#tenants.stats(),
      tenantsUnplaced: this.#tenants.unplaced,
      adminRefused: this.#admin?.refused ?? 0,
    };
  }

  /**
   * What this relay dropped, throttled or refused of a peer in the last minutes, by which limit, the last first; with
   * `other`, only what was between the two. Both sides of it: what was the peer's, and what was for it.
   * @param peer an id, or a name in this relay's directory.
   * @param minutes how far back, 1..15.
   * @throws SupernodeError `bad-name` (neither an id nor a name), `not-found` (nobody has the name, or hides), `relay-closed`;
   *   OptionError.
   */
  async why(
    peer: PeerId | string,
    other: PeerId | string | null = null,
    { minutes = WHY_MINUTES }: { minutes?: number } = {},
  ): Promise<WhyReport> {
    if (!Number.isInteger(minutes) || minutes < 1 || minutes > WHY_MINUTES) {
      throw new OptionError(
        `The option minutes must be a whole number from 1 to ${WHY_MINUTES}, not ${minutes}.`,
      );
    }
    if (this.#shards === null || this.#state === 'closed') {
      throw new SupernodeError('relay-closed', 'The relay is closed.');
    }
    const one = await this.#keyOf(peer);
    return this.#why.ask(one, other === null ? null : await this.#keyOf(other), minutes);
  }

  async #keyOf(peer: string): Promise<Uint8Array> {
    if (isPeerId(peer)) return parsePeerId(peer).publicKey;
    const { normalizeName } = await import('../directory/name.ts');
    const key = await this.#directory?.ownerOf(normalizeName(peer));
    if (key) return key;
    throw new SupernodeError(
      'not-found',
      `Nobody has the name ${peer} here, or hides: an id is always known.`,
    );
  }

  /**
   * Ends a peer's session; its client is told `reason` and does not come back by itself. To keep a peer out, use
   * `authorize` as well.
   * @returns false when no such peer is logged in.
   * @throws SupernodeError `bad-peer-id`.
   */
  disconnect(peer: PeerId | string, reason = 'disconnected by the operator'): boolean {
    const place: Place = { shard: 0, slot: 0, generation: 0, flags: 0 };
    if (!this.#presence.find(parsePeerId(peer).publicKey, place)) return false;
    const { shard, slot, generation } = place;
    this.#shards?.tell(shard, { kind: 'disconnect', slot, generation, message: reason.slice(0, 200) });
    return true;
  }

  /**
   * Takes no new peers and sends those that are here away, evenly over the spread; the two ends of a channel together, and
   * to the same successor. Resolves when all have gone, at most two seconds after grace and spread. A second call changes
   * nothing and waits for the first.
   * @throws OptionError
   */
  async drain(options: DrainOptions = {}): Promise<void> {
    this.#beginDrain(options);
    await this.#drained;
  }

  /** @throws OptionError; SupernodeError `relay-closed`. */
  #beginDrain(options: unknown): ResolvedDrain & { endsInMs: number; sessions: number } {
    const { sessions } = this.stats();
    const resolved = resolveDrain(options, this.url, sessions);
    if (this.#draining === null && this.#state === 'open') {
      this.#state = 'draining';
      // With successors newcomers are still taken, to be told where to go.
      if (resolved.successors.length === 0) this.#listening?.stop();
      this.#draining = new Draining(
        {
          shards: this.#options.shards,
          tell: (shard, message) => this.#shards?.tell(shard, message),
          sessions: () => this.stats().sessions,
          closed: () => this.#state !== 'draining',
        },
        resolved,
      );
      this.#drained = this.#drain(this.#draining);
    }
    const { options: running = resolved, endsInMs = 0 } = this.#draining ?? {};
    return { ...running, endsInMs, sessions };
  }

  async #drain(draining: Draining): Promise<void> {
    // After the caller has noted that it drains: a listener may look.
    await null;
    this.#tell('draining', { ...draining.options, endsInMs: draining.endsInMs });
    await draining.run();
    this.#tell('drained');
  }

  /** Closes every socket and ends every thread. Safe to call twice. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** createRelay calls it, once. */
  async start(): Promise<void> {
    const { host, port, shards, tls, admin, loginTimeoutMs, authorize } = this.#options;
    this.#port = await probePort(host, port);
    if (admin) this.#admin = await startAdmin(admin, await this.#adminRoutes());
    if (tls) this.#tls = await tlsFiles(tls);
    this.#directory = await RelayDirectory.open({
      options: this.#options,
      shared: this.#shared,
      relayKey: this.#identity.publicKey,
      tell: (shard, message) => this.#shards?.tell(shard, message),
      connectReader: (shard, port) => this.#shards?.tell(shard, { kind: 'reader', port }, [port]),
      warn: (code, message) => this.#tell('warning', { code, message }),
    });
    this.#shards = new ShardThreads(shards);
    const up = this.#allUp(shards);
    const threads = this.#shards;
    const { directoryTasks, ...shared } = this.#shared;
    this.#earlyTimer = keepEarlyProofs(this.#shared.earlyProofs);
    this.#unguard = guardExit({
      shards,
      closedShards: new Int32Array(this.#shared.closedShards),
      directoryTasks: new TaskGate(directoryTasks),
      tellClose: () => threads.tellAll({ kind: 'close' }),
    });
    threads.start(
      {
        ...shared,
        relayKey: this.#identity.publicKey,
        ticketKey: ticketKeyOf(this.#identity),
        run: randomBytes(RUN_BYTES),
        loginTimeoutMs,
        idleTimeoutSeconds: IDLE_TIMEOUT_SECONDS,
        authorize: authorize !== null,
        admission: this.#options.admission,
        refuseVersions: this.#options.versions.refuse,
        budgets: this.#options.accounting,
        tenants: this.#options.accounting.tenants !== null,
        directory: this.#options.directory !== null,
        tls: this.#tls && {
          keyFile: this.#tls.keyFile,
          certFile: this.#tls.certFile,
        },
      },
      (shard, message) => this.#heard(shard, message),
      (shard, error) => this.#shardFailed(shard, error),
    );
    const [descriptors] = await Promise.all([up, this.#directory.ready()]);
    await this.#tls?.remove();
    this.#listening = new Listening({
      shards,
      tls: tls !== null,
      tell: (shard, message) => threads.tell(shard, message),
    });
    this.#port = await this.#listening.open(host, port, this.#port, descriptors);
    this.#state = 'open';
  }

  async #adminRoutes(): Promise<AdminRoute[]> {
    // Only here: prom-client takes 30 ms to load.
    const { metricsRoute } = await import('./admin/metrics.ts');
    const snapshot = (): Snapshot => {
      const stats = this.stats();
      return { ...stats, ready: stats.notReady.length === 0 };
    };
    const openMetrics = this.#options.admin !== false && this.#options.admin.openMetrics === true;
    return [
      ...healthRoutes(() => this.#notReady()),
      ...numbersRoutes(this),
      metricsRoute(snapshot, openMetrics),
      drainRoute({ begin: (options) => this.#beginDrain(options) }),
    ];
  }

  /** Why it takes no peers now; empty when it does. */
  #notReady(): NotReady[] {
    const because: NotReady[] = this.#state === 'open' ? [] : [this.#state];
    if (this.#shardEnded) because.push('shard-ended');
    if (this.#presence.size >= this.#presence.capacity) because.push('full');
    if (this.#desk.overloaded || this.#desk.backlogMs > READY_BACKLOG_MS) because.push('overloaded');
    return because;
  }

  /** The descriptors, once every shard is up. */
  #allUp(shards: number): Promise<unknown[]> {
    const descriptors: unknown[] = new Array(shards);
    let missing = shards;
    return new Promise((resolve, reject) => {
      this.#upHeard = (shard, error, descriptor) => {
        if (error) reject(error);
        descriptors[shard] = descriptor;
        missing--;
        if (missing === 0) resolve(descriptors);
      };
    });
  }

  #heard(shard: number, message: FromShard): void {
    switch (message.kind) {
      case 'up':
        this.#upHeard?.(shard, null, message.descriptor);
        return;
      case 'listening':
        this.#listening?.heard(message.listens);
        return;
      case 'logins':
        this.#desk.take(shard, unpackProofs(message.proofs));
        return;
      case 'asks':
        this.#directory?.take(shard, message.asks);
        return;
      case 'trouble':
        this.#directory?.trouble(message.trouble.code, message.trouble.message);
        return;
      case 'why':
        this.#why.heard(shard, message);
        return;
      case 'leaving':
        this.#draining?.heard(shard, message.sessions);
        return;
      case 'changes':
        for (const change of unpackChanges(message.changes)) this.#changed(change);
        return;
      case 'channels-full':
        this.#tenants.full(message.account, 'channels', performance.now());
        return;
      case 'warning':
        this.#tell('warning', { code: message.code, message: message.message });
    }
  }

  #changed(change: PresenceChange): void {
    this.#directory?.changed(change);
    this.#versions.changed(change);
    if (change.came === undefined) return;
    // Making the id takes 3 us, a login in all about 200: not for nobody.
    if (this.listenerCount(change.came ? 'peer' : 'gone') === 0) return;
    const id = peerIdOf(change.peer);
    if (change.came) this.#tell('peer', { id, ...change.came });
    else this.#tell('gone', { id, reason: change.reason });
  }

  /** Emits; a listener that throws costs the relay nothing but a warning. */
  #tell<K extends keyof RelayEvents>(event: K, ...args: RelayEvents[K]): void {
    if (this.listenerCount(event) === 0) return;
    try {
      (this as EventEmitter).emit(event, ...args);
    } catch (error) {
      process.emitWarning(`A listener of the relay's "${event}" threw: ${(error as Error)?.stack ?? error}`);
    }
  }

  #shardFailed(shard: number, error: unknown): void {
    const failure = new SupernodeError(
      'internal',
      `Shard ${shard} could not run: ${(error as Error)?.message}`,
      {
        cause: error,
      },
    );
    this.#upHeard?.(shard, failure, null);
    this.#shardEnded = true;
    this.#listening?.failed(failure);
    if (this.#state === 'open') this.#tell('warning', { code: 'shard-ended', message: failure.message });
  }

  async #close(): Promise<void> {
    this.#state = 'closed';
    clearInterval(this.#earlyTimer);
    clearInterval(this.#lagTimer);
    this.#versions.stop();
    this.#lag.stop();
    this.#listening?.stop();
    await this.#admin?.close();
    await this.#shards?.close();
    await this.#directory?.close();
    this.#directory = null;
    this.#unguard?.();
    await this.#tls?.remove();
  }
}
