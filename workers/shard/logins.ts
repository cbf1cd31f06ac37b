/**
 * From an upgraded socket to a logged-in session (docs/protocol.md §5). One deadline covers all of it.
 *
 * A signature is checked by the directory pool, by way of the main thread, in batches of a turn; a resume ticket here.
 * When the embedder has an `authorize` hook, the main thread asks it for either.
 */

import { fillRandom } from '../../core/identity/random-pool.ts';
import type { KnownPolicy, OpenedTicket } from '../../core/identity/ticket.ts';
import { FullTurns } from '../../core/overload/full-turns.ts';
import type { VersionRules } from '../../core/overload/version-rules.ts';
import { type Body, encodeControl } from '../../core/protocol/control.ts';
import type { EarlyResume } from '../../core/protocol/early-resume.ts';
import type { WireErrorCode } from '../../core/protocol/errors.ts';
import * as op from '../../core/protocol/ops.ts';
import { portion } from '../../core/protocol/portion.ts';
import type { Accounts, Budget } from '../../core/threads/accounts.ts';
import { C, loginBucket } from '../../core/threads/counters.ts';
import type { LoginProof, ShardTask, Verdict } from '../../core/threads/messages.ts';
import { type Place, PRESENCE_PLAIN, type PresenceTable } from '../../core/threads/presence.ts';
import type { WhyReason } from '../../core/threads/why-reasons.ts';
import { SEND_DROPPED } from '../../core/transport/uws.ts';
import { earlyResumeOf } from './early-offer.ts';
import type { Gate } from './gate.ts';
import { LoginFrames, NONCE_BYTES } from './login-frames.ts';
import { LoginSlices } from './login-slices.ts';
import type { Meters } from './meters.ts';
import type { Outboxes } from './outbox.ts';
import { ProofBatches } from './proof-batches.ts';
import { CHECKING, ENDED, GREETED, LIVE, type Session, type SessionTable } from './session.ts';
import { Tickets } from './tickets.ts';

const SIGNAL = 0;
const IP_TEXT = new TextDecoder();
const NOTHING = new Uint8Array(0);

export interface LoginsHost {
  readonly task: ShardTask;
  readonly sessions: SessionTable;
  readonly outboxes: Outboxes;
  readonly presence: PresenceTable;
  readonly counters: Float64Array;
  readonly accounts: Accounts;
  readonly meters: Meters;
  readonly gate: Pick<Gate, 'loggingIn'>;
  readonly versionRules: VersionRules;
  /** Proofs for the main thread, at the end of the turn. */
  submit(proof: LoginProof): void;
  refuse(
    session: Session,
    code: WireErrorCode,
    message: string,
    retryAfterMs?: number,
    why?: WhyReason,
  ): void;
  /** Reads a bundle; whatever is wrong with it costs its session alone. */
  read(session: Session, bundle: Uint8Array): void;
  /** The peer's former session, wherever it is, must go. */
  replace(former: Place): void;
  /** `known`: what the directory says of the peer, or has said; null: nothing. */
  arrived(session: Session, resumed: boolean, known: KnownPolicy | null): void;
}

interface Resume {
  session: Session;
  requestId: number;
  body: Body<typeof op.OP_RESUME>;
}
interface Early {
  session: Session;
  bundle: Uint8Array;
}
interface Offer {
  session: Session;
  offer: EarlyResume;
}
/** What costs more than a look, and may come from many at once. */
type Step = Early | Offer | Resume | Verdict;

/** A login is about 250 bytes. A larger bundle is read at once: most likely it costs its session. */
export const MAX_EARLY_BYTES = 1024;
/** Of one session, that wait to be read: a resume, a login after it was refused, and pings. */
export const MAX_EARLY_BUNDLES = 4;

export class Logins {
  readonly #host: LoginsHost;
  readonly #former: Place = { shard: 0, slot: 0, generation: 0, flags: 0 };
  /** Sessions not logged in yet, in order of their deadlines. */
  readonly #pending = new Set<Session>();
  readonly #fullTurns = new FullTurns();
  readonly #tickets: Tickets;
  /** The session whose socket has just come: what is written to it now goes with the answer to its request. */
  #opening: Session | null = null;

  readonly #frames: LoginFrames;
  readonly #proofs: ProofBatches;
  readonly #slices = new LoginSlices<Step>(
    (step) => this.#step(step),
    (step, retryAfterMs) => this.#shed(step, retryAfterMs),
  );

  constructor(host: LoginsHost) {
    this.#host = host;
    this.#tickets = new Tickets(host.task);
    this.#frames = new LoginFrames(host.task.relayKey, host.task.loginTimeoutMs);
    this.#proofs = new ProofBatches((proof) => host.submit(proof));
  }

  /** A socket has come. @param offered the subprotocols of its request: a resume may be among them. */
  begin(session: Session, offered: string): void {
    const now = performance.now();
    session.deadline = now + this.#host.task.loginTimeoutMs;
    this.#pending.add(session);
    session.loggingIn = true;
    this.#host.gate.loggingIn(1);
    const offer = earlyResumeOf(offered);
    if (offer === null) {
      this.#greet(session);
      return;
    }
    session.provedAt = now;
    session.state = CHECKING;
    if (this.#versionRefused(session, offer.client)) return;
    this.#opening = session;
    try {
      this.#slices.addOrDo({ session, offer }, 'resume');
    } finally {
      this.#opening = null;
    }
  }

  #greet(session: Session): void {
    const nonce = new Uint8Array(NONCE_BYTES);
    fillRandom(nonce);
    session.nonce = nonce;
    this.#write(session, this.#frames.hello(nonce));
  }

  /**
   * Past the outbox, since nothing waits there. Within `open` it goes with the answer to the request for the WebSocket, which is
   * being written then: a write of its own costs 4 us. (Only writing to another socket than the one whose callback this is
   * does harm: see outbox.ts.)
   */
  #write(session: Session, frame: Uint8Array): void {
    const { counters } = this.#host;
    // Queued is as good as sent: the socket keeps it. Dropped leaves a client that would wait for it until the deadline.
    if (session.socket.send(frame, true, false) === SEND_DROPPED) {
      throw new Error('The first frame of a session was dropped.');
    }
    counters[C.framesOut]!++;
    counters[C.bytesOut]! += frame.length;
  }

  /**
   * A bundle of a session that is not logged in. uWebSockets.js brings up to 1,024 of them in one turn of the loop, and
   * reading one takes 10 us: so they are put aside, and read in slices.
   */
  early(session: Session, message: ArrayBuffer): void {
    if (session.state === GREETED) session.provedAt = performance.now();
    if (message.byteLength > MAX_EARLY_BYTES || session.early >= MAX_EARLY_BUNDLES) {
      this.#host.read(session, new Uint8Array(message));
      return;
    }
    session.early++;
    const bundle = portion(message.byteLength);
    bundle.set(new Uint8Array(message));
    // A frame is [op, requestId, body]: its second byte is the op (docs/protocol.md §4).
    this.#slices.add({ session, bundle }, bundle[1] === op.OP_RESUME ? 'resume' : 'other');
  }

  login(session: Session, body: Body<typeof op.OP_LOGIN>): void {
    if (!this.#begin(session)) return;
    // A copy: the frame that it came in would stay as long as the peer does.
    session.key = body.peer.slice();
    session.client = body.client;
    if (this.#versionRefused(session, body.client)) return;
    this.#submit(session, body.signature);
  }

  resume(session: Session, requestId: number, body: Body<typeof op.OP_RESUME>): void {
    if (!this.#begin(session) || this.#versionRefused(session, body.client)) return;
    this.#slices.add({ session, requestId, body }, 'resume');
  }

  #step(step: Step): void {
    if (!('session' in step)) this.#settle(step);
    else if ('offer' in step) this.#resumeEarly(step);
    else if ('bundle' in step) this.#read(step);
    else if (step.session.state === CHECKING) this.#resume(step);
  }

  /** It waited too long to be looked at. */
  #shed(step: Step, retryAfterMs: number): void {
    if (!('session' in step)) return;
    const message = 'This relay is behind with logins; come back in your turn.';
    this.#host.refuse(step.session, 'busy', message, retryAfterMs);
  }

  #read({ session, bundle }: Early): void {
    session.early--;
    if (session.state !== ENDED) this.#host.read(session, bundle);
  }

  #resumeEarly({ session, offer }: Offer): void {
    if (session.state !== CHECKING) return;
    const { counters } = this.#host;
    const opened = this.#tickets.openEarly(offer);
    if (opened === null) {
      counters[C.earlyGreeted]!++;
      session.state = GREETED;
      this.#greet(session);
      return;
    }
    counters[C.resumesEarly]!++;
    this.#opened(session, offer.client, opened);
  }

  #resume({ session, requestId, body }: Resume): void {
    const opened = this.#tickets.open(body, session.nonce!);
    if (opened === null) {
      session.state = GREETED;
      const message = 'The resume ticket is not (or no longer) valid here; log in with the key.';
      this.#host.outboxes.appendControl(
        session,
        encodeControl(op.OP_ERROR, requestId, { code: 'bad-ticket', message, fatal: false }),
        SIGNAL,
      );
      return;
    }
    this.#opened(session, body.client, opened);
  }

  #opened(session: Session, client: string, { peer, known }: OpenedTicket): void {
    const { task, versionRules } = this.#host;
    session.key = peer;
    session.client = client;
    if (task.authorize || versionRules.slow.has(client)) this.#submit(session, null);
    else this.#letIn(session, true, known);
  }

  /** What the main thread decided. A session that left in the meantime is passed over. */
  verdict(verdict: Verdict): void {
    this.#slices.add(verdict, 'verdict');
    this.#proofs.answered();
  }

  #settle(verdict: Verdict): void {
    const session = this.#host.sessions.find(verdict.slot, verdict.generation);
    const { granted } = verdict;
    if (!session || session.state !== CHECKING) {
      if (granted && this.#host.task.tenants) this.#host.accounts.sessions.give(granted.account);
      return;
    }
    if (granted) {
      session.account = granted.account;
      session.accounted = this.#host.task.tenants;
    }
    if (verdict.refusal === null) {
      this.#letIn(session, session.resuming, verdict.arrival ?? null, granted?.budget ?? null);
    } else {
      const { code, message, retryAfterMs, why } = verdict.refusal;
      this.#host.refuse(session, code, message, retryAfterMs, why);
    }
  }

  /** Ends the sessions whose login was not done in time. */
  expire(now: number): void {
    for (const session of this.#pending) {
      if (session.deadline > now) break;
      const message = `The login was not done within ${this.#host.task.loginTimeoutMs} ms.`;
      this.#host.refuse(session, 'login-timeout', message);
    }
  }

  forget(session: Session): void {
    this.#pending.delete(session);
  }

  /** Its socket is gone, or it is logged in: it takes nobody's room any more. */
  through(session: Session): void {
    if (!session.loggingIn) return;
    session.loggingIn = false;
    this.#host.gate.loggingIn(-1);
  }

  #begin(session: Session): boolean {
    if (session.state === GREETED) {
      session.state = CHECKING;
      return true;
    }
    this.#host.refuse(session, 'already-logged-in', 'A session logs in once, and one login at a time.');
    return false;
  }

  /** Before its proof is looked at: that would cost more. */
  #versionRefused(session: Session, client: string): boolean {
    if (!this.#host.versionRules.refuses(client)) return false;
    const message = `The operator lets no client of the version ${JSON.stringify(client)} in; update it.`;
    this.#host.refuse(session, 'version-refused', message);
    return true;
  }

  /** @param signature null: a ticket was enough. */
  #submit(session: Session, signature: Uint8Array | null): void {
    const resumed = signature === null;
    session.resuming = resumed;
    const { task } = this.#host;
    const proof: LoginProof = {
      slot: session.slot,
      generation: session.generation,
      peer: session.key!,
      nonce: resumed ? NOTHING : session.nonce!,
      signature: signature ?? NOTHING,
      client: session.client,
      // Only `authorize` is told: it takes 2 us.
      ip: task.authorize ? IP_TEXT.decode(session.socket.getRemoteAddressAsText()) : '',
      resumed,
    };
    // The hook may take its time, and nobody is to wait for another's verdict.
    if (task.authorize) this.#host.submit(proof);
    else this.#proofs.add(proof);
  }

  /** @param known what the directory says of the peer, or said when its ticket was made; null: it is asked. */
  #letIn(session: Session, resumed: boolean, known: KnownPolicy | null, budget: Budget | null = null): void {
    const { task, presence, counters } = this.#host;
    const key = session.key!;
    // Not open to all until the directory has said so.
    const flags = task.directory ? 0 : PRESENCE_PLAIN;
    const place = { shard: task.index, slot: session.slot, generation: session.generation, flags };
    const claim = presence.claim(key, place, this.#former);
    if (claim === 'full') {
      const message = `This relay holds the ${presence.capacity} peers that it has room for.`;
      const retryAfterMs = this.#fullTurns.retryAfterMs(performance.now(), this.#slices.perSec);
      this.#host.refuse(session, 'relay-full', message, retryAfterMs);
      return;
    }
    this.forget(session);
    this.through(session);
    session.nonce = null;
    session.state = LIVE;
    this.#host.meters.open(session, session.account, budget);
    if (claim === 'replaced') this.#host.replace({ ...this.#former });
    counters[resumed ? C.resumes : C.logins]!++;
    counters[C.sessions]!++;
    const tookMs = performance.now() - session.provedAt;
    counters[C.loginTook1 + loginBucket(tookMs)]!++;
    counters[C.loginTookMs]! += tookMs;
    this.#sayReady(session, this.#frames.ready(resumed, { peer: key, ...this.#tickets.seal(key, known) }));
    this.#host.arrived(session, resumed, known);
  }

  #sayReady(session: Session, frame: Uint8Array): void {
    if (session === this.#opening) {
      this.#write(session, frame);
      return;
    }
    const { outboxes } = this.#host;
    if (!outboxes.roomForControl(session, frame.length)) {
      outboxes.appendControl(session, frame.slice(), SIGNAL);
      return;
    }
    session.outbox!.bytes.set(frame, session.outEnd);
    session.outEnd += frame.length;
    session.outFrames++;
  }
}
