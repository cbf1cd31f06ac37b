/**
 * A peer's link to its relay across connections: the first, which is tried once, and those after it, which are tried
 * with full jitter until one succeeds or the relay says that there is no coming back.
 *
 *   start() --ready--> open --lost--> reconnecting --ready--> open
 *                        '-- close(), lost for good --> closed <-- close(), refused, attempts used up --'
 */
import type { Identity } from '../identity/identity.ts';
import type { Body, Control } from '../protocol/control.ts';
import type { SupernodeError } from '../protocol/errors.ts';
import { OP_MOVING } from '../protocol/ops.ts';
import { Comeback } from './comeback.ts';
import { Connection, type ConnectionOptions } from './connection.ts';
import type { Ready, Ticket } from './login.ts';
import { allowedSuccessors, NextUrls } from './next-urls.ts';
import { type CheckedConnect, DEFAULT_RECONNECT } from './options.ts';
import type { Platform, TrustedCertificates } from './platform.ts';
import { lostReason, mayComeBack, RelayError } from './relay-error.ts';
import { Session, type SessionOwner } from './session.ts';

export interface LinkOwner extends SessionOwner {
  disconnected(error: SupernodeError): void;
  reconnected(resumed: boolean): void;
  moving(leaveInMs: number, successors: readonly string[]): void;
  closed(error: SupernodeError | undefined): void;
}

export interface LinkOptions {
  platform: Platform;
  checked: CheckedConnect;
  ca: TrustedCertificates | undefined;
  identity: Identity;
  owner: LinkOwner;
  keepAlive?: ConnectionOptions['keepAlive'];
}

/** A connection that lasted this long was a good one: the next loss begins with the shortest wait again. */
const STABLE_MS = 10_000;
/** Relays that a first connection is sent on to, one after the other. */
export const MOST_HOPS = 8;
/** close() waits this long for realtime frames that the connection has no room for. */
const FLUSH_TIMEOUT_MS = 2000;

export class Link {
  state: 'open' | 'reconnecting' | 'closed' = 'open';
  url: string;
  relayKey = new Uint8Array(32);
  /** There while the state is `open`. */
  session: Session | undefined;
  readonly #options: LinkOptions;
  readonly #next: NextUrls;
  #connection: Connection | undefined;
  #ticket: Ticket | undefined;
  /** Where it was given. */
  #ticketUrl = '';
  #readyMs = 0;
  readonly #comeback: Comeback;
  /** Attempts in a row that failed. */
  #failures = 0;
  /** Whether this relay has said that it will go, and what it has named. */
  #leaving = false;
  #successors: readonly string[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  #closed: Promise<void> | undefined;

  constructor(options: LinkOptions) {
    this.#options = options;
    this.url = options.checked.url;
    this.#next = new NextUrls(this.url);
    this.#comeback = new Comeback(options.checked.reconnect ?? DEFAULT_RECONNECT, Math.random);
  }

  /**
   * The first connection, tried once; a relay that is leaving and names others is followed there, and with `awaitTurn` one
   * that is too busy is asked again when it said.
   * @throws SupernodeError, or the signal's reason.
   */
  async start(signal: AbortSignal | undefined): Promise<void> {
    const abort = (): void => {
      const { url } = this;
      this.#connection?.fail(new RelayError('relay-unreachable', `Connecting to ${url} was aborted.`));
    };
    signal?.addEventListener('abort', abort, { once: true });
    try {
      await this.#connectFirst(signal);
    } catch (error) {
      this.state = 'closed';
      signal?.throwIfAborted();
      throw error;
    } finally {
      signal?.removeEventListener('abort', abort);
    }
  }

  async #connectFirst(signal: AbortSignal | undefined): Promise<void> {
    for (let hops = 0; ; hops++) {
      try {
        return await this.#connect(this.#next.current);
      } catch (error) {
        const moved = !signal?.aborted && this.#next.failed(error as SupernodeError);
        if (moved && hops < MOST_HOPS) continue;
        if (!this.#options.checked.awaitTurn || !isTurn(error)) throw error;
        this.#heed(error);
        await pause(this.#comeback.nextMs(performance.now()), signal);
      }
    }
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    if (this.state === 'closed') return;
    this.state = 'closed';
    clearTimeout(this.#timer);
    if (this.session !== undefined) await flushRealtime(this.session);
    // Credit and acknowledgements that are due go with the last bundle.
    this.session?.beforeFlush();
    const connection = this.#connection;
    this.#connection = undefined;
    this.#endSession(undefined);
    await connection?.close();
    this.#options.owner.closed(undefined);
  }

  /** Resolves when it is ready: the state is `open` then, and frames may have arrived already. */
  #connect(url: string): Promise<void> {
    const { platform, checked, ca, identity, owner, keepAlive } = this.#options;
    return new Promise((resolve, reject) => {
      const connection = new Connection({
        platform,
        url,
        ca,
        timeoutMs: checked.timeoutMs,
        keepAlive,
        login: { identity, client: checked.client, ticket: this.#ticket, early: url === this.#ticketUrl },
        owner: {
          ready: (ready) => {
            this.url = url;
            this.session = new Session(connection.outbox, platform, owner, ready.limits);
            this.#ready(ready);
            resolve();
          },
          data: (op, label, payload, frameBytes) => this.session?.data(op, label, payload, frameBytes),
          control: (frame) => this.#control(frame),
          beforeFlush: () => this.session?.beforeFlush(),
          ended: (error) => {
            if (this.#connection !== connection) return;
            this.#connection = undefined;
            if (this.session !== undefined) this.#lost(error);
            else reject(error);
          },
        },
      });
      this.#connection = connection;
    });
  }

  #ready({ relayKey, ticket, resumed }: Ready): void {
    const first = this.#readyMs === 0;
    this.relayKey = new Uint8Array(relayKey);
    this.#ticket = ticket;
    this.#ticketUrl = this.url;
    this.#readyMs = performance.now();
    this.#failures = 0;
    this.#comeback.connected(this.#readyMs);
    this.#leaving = false;
    this.#successors = [];
    this.state = 'open';
    if (!first) this.#options.owner.reconnected(resumed);
  }

  #control(frame: Control): void {
    if (frame.op === OP_MOVING) this.#moving(frame.body);
    else this.session?.control(frame);
  }

  #moving({ leaveInMs, retryAfterMs, successors = [] }: Body<typeof OP_MOVING>): void {
    this.#comeback.told(retryAfterMs);
    this.#leaving = true;
    this.#successors = allowedSuccessors(this.url, successors);
    this.#options.owner.moving(leaveInMs, this.#successors);
  }

  #lost(error: SupernodeError | undefined): void {
    const { owner, checked } = this.#options;
    if (this.state === 'closed') {
      this.#endSession(error);
      return;
    }
    const comesBack = checked.reconnect !== undefined && mayComeBack(error);
    this.state = comesBack ? 'reconnecting' : 'closed';
    this.#endSession(error);
    if (error !== undefined) owner.disconnected(error);
    if (!comesBack) owner.closed(error);
    else if (this.#isReconnecting()) {
      if (performance.now() - this.#readyMs >= STABLE_MS) this.#comeback.wasStable();
      this.#heed(error);
      const hasLeft = this.#leaving || error?.code === 'drained';
      if (hasLeft && this.#successors.length === 0) this.#comeback.restarts(performance.now());
      this.#next.begin(this.url, this.#successors);
      this.#reconnectLater();
    }
  }

  #endSession(error: SupernodeError | undefined): void {
    const session = this.session;
    this.session = undefined;
    session?.end(lostReason(error));
  }

  /** Not a comparison in place: handlers of the application run in between, and may close the peer. */
  #isReconnecting(): boolean {
    return this.state === 'reconnecting';
  }

  #heed(error: unknown): void {
    if (error instanceof RelayError && error.retryAfterMs !== undefined)
      this.#comeback.told(error.retryAfterMs);
  }

  #reconnectLater(): void {
    const waitMs = this.#comeback.nextMs(performance.now());
    // Not unref'd: nothing else keeps the process alive while there is no socket.
    this.#timer = setTimeout(() => this.#reconnect(), waitMs);
  }

  #reconnect(): void {
    const { owner, checked } = this.#options;
    this.#connect(this.#next.current).catch((error: SupernodeError) => {
      if (!this.#isReconnecting()) return;
      this.#failures++;
      if (mayComeBack(error) && this.#failures < (checked.reconnect?.maxAttempts ?? 0)) {
        this.#heed(error);
        this.#next.failed(error);
        this.#reconnectLater();
        return;
      }
      this.state = 'closed';
      owner.closed(error);
    });
  }
}

/** The relay is too busy, and has said when to come back. */
function isTurn(error: unknown): boolean {
  return error instanceof RelayError && error.code === 'busy' && error.retryAfterMs !== undefined;
}

/** @throws the signal's reason. */
function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  signal?.throwIfAborted();
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      clearTimeout(timer);
      reject(signal!.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', abort);
      resolve();
    }, ms);
    signal?.addEventListener('abort', abort, { once: true });
  });
}

async function flushRealtime(session: Session): Promise<void> {
  const waits = [...session.channels]
    .filter((core) => !core.kind.reliable && !core.sending.idle)
    .map((core) => core.until(() => core.sending.idle));
  if (waits.length === 0) return;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const tooLate = new Promise((resolve) => {
    timer = setTimeout(resolve, FLUSH_TIMEOUT_MS);
  });
  await Promise.race([Promise.allSettled(waits), tooLate]);
  clearTimeout(timer);
}
