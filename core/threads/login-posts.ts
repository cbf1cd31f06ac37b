/**
 * What threads post to each other about logins, in columns: a few buffers for all that a turn has, however many they are.
 * A post clones objects field by field, which costs 2 to 3 us each; a row here costs a tenth of it. Everybody else sees the
 * objects (messages.ts): who posts packs them, who reads unpacks them.
 */
import { KEY_BYTES } from '../protocol/peer-id.ts';
import type {
  Arrival,
  DepartureReason,
  LoginProof,
  PresenceChange,
  ProofAnswer,
  Verdict,
} from './messages.ts';

/** Texts that are mostly the same ones, such as versions: each is posted once, and named by its place. */
class Texts {
  readonly list: string[] = [];
  readonly #places = new Map<string, number>();

  place(text: string): number {
    let place = this.#places.get(text);
    if (place === undefined) {
      place = this.list.push(text) - 1;
      this.#places.set(text, place);
    }
    return place;
  }
}

const NONCE_BYTES = 32;
const SIGNATURE_BYTES = 64;
const PROOF_BYTES = KEY_BYTES + NONCE_BYTES + SIGNATURE_BYTES;
const PROOF_NUMBERS = 5;

export interface PackedProofs {
  /** Of each: slot, generation, 1 for a resume, places of its client's version and its address in `texts`. */
  numbers: Uint32Array;
  /** Of each: peer, nonce, signature (the last two are zeros for a resume). */
  bytes: Uint8Array;
  texts: string[];
}

export function packProofs(proofs: readonly LoginProof[]): PackedProofs {
  const numbers = new Uint32Array(proofs.length * PROOF_NUMBERS);
  const bytes = new Uint8Array(proofs.length * PROOF_BYTES);
  const texts = new Texts();
  let at = 0;
  let byteAt = 0;
  for (const { slot, generation, peer, nonce, signature, client, ip, resumed } of proofs) {
    numbers[at++] = slot;
    numbers[at++] = generation;
    numbers[at++] = resumed ? 1 : 0;
    numbers[at++] = texts.place(client);
    numbers[at++] = texts.place(ip);
    bytes.set(peer, byteAt);
    if (!resumed) {
      bytes.set(nonce, byteAt + KEY_BYTES);
      bytes.set(signature, byteAt + KEY_BYTES + NONCE_BYTES);
    }
    byteAt += PROOF_BYTES;
  }
  return { numbers, bytes, texts: texts.list };
}

/** Their peers, nonces and signatures are views of the one buffer. */
export function unpackProofs({ numbers, bytes, texts }: PackedProofs): LoginProof[] {
  const { buffer } = bytes;
  const proofs: LoginProof[] = [];
  let byteAt = bytes.byteOffset;
  for (let at = 0; at < numbers.length; at += PROOF_NUMBERS) {
    const resumed = numbers[at + 2] === 1;
    const nonceAt = byteAt + KEY_BYTES;
    proofs.push({
      slot: numbers[at]!,
      generation: numbers[at + 1]!,
      peer: new Uint8Array(buffer, byteAt, KEY_BYTES),
      nonce: new Uint8Array(buffer, nonceAt, resumed ? 0 : NONCE_BYTES),
      signature: new Uint8Array(buffer, nonceAt + NONCE_BYTES, resumed ? 0 : SIGNATURE_BYTES),
      client: texts[numbers[at + 3]!]!,
      ip: texts[numbers[at + 4]!]!,
      resumed,
    });
    byteAt += PROOF_BYTES;
  }
  return proofs;
}

export interface PackedProofAnswers {
  /** Of each: 0, the proof is none; else it is one, and IN, IN_CLOSED or IN_PLAIN. */
  outcomes: Uint8Array;
  /** Of each: the version of what the directory says of the peer. */
  versions: Int32Array;
}

/** The directory said nothing of the peer; it is not open to all; it is. */
const IN = 1;
const IN_CLOSED = 2;
const IN_PLAIN = 3;

function outcomeOf(arrival: Arrival | null | undefined): number {
  if (!arrival) return IN;
  return arrival.plain ? IN_PLAIN : IN_CLOSED;
}

function arrivalOf(outcome: number, version: number): Arrival | null {
  return outcome === IN ? null : { plain: outcome === IN_PLAIN, version };
}

export function packProofAnswers(answers: readonly ProofAnswer[]): PackedProofAnswers {
  const outcomes = new Uint8Array(answers.length);
  const versions = new Int32Array(answers.length);
  answers.forEach(({ ok, arrival }, index) => {
    outcomes[index] = ok ? outcomeOf(arrival) : 0;
    versions[index] = arrival?.version ?? 0;
  });
  return { outcomes, versions };
}

export function unpackProofAnswers({ outcomes, versions }: PackedProofAnswers): ProofAnswer[] {
  return Array.from(outcomes, (outcome, index) => ({
    ok: outcome !== 0,
    arrival: outcome === 0 ? null : arrivalOf(outcome, versions[index]!),
  }));
}

const VERDICT_NUMBERS = 4;
/** Refused with `codes[n - REFUSED]`. */
const REFUSED = 8;

type Refusal = NonNullable<Verdict['refusal']>;

export interface PackedVerdicts {
  /** Of each: slot, generation, outcome, and what goes with it: the arrival's version, or retryAfterMs + 1 (0: none). */
  numbers: Uint32Array;
  /** The refusals among them, each once, however many it was said to. */
  refusals: Omit<Refusal, 'retryAfterMs'>[];
  /** Those with a grant of their own, by their row. */
  granted: [number, NonNullable<Verdict['granted']>][];
}

export function packVerdicts(verdicts: readonly Verdict[]): PackedVerdicts {
  const numbers = new Uint32Array(verdicts.length * VERDICT_NUMBERS);
  const refusals: PackedVerdicts['refusals'] = [];
  const granted: PackedVerdicts['granted'] = [];
  const placeOf = ({ code, message, why }: Refusal): number => {
    const place = refusals.findLastIndex(
      (one) => one.message === message && one.code === code && one.why === why,
    );
    return place >= 0 ? place : refusals.push({ code, message, ...(why === undefined ? {} : { why }) }) - 1;
  };
  verdicts.forEach(({ slot, generation, refusal, arrival, granted: grant }, index) => {
    const at = index * VERDICT_NUMBERS;
    numbers[at] = slot;
    numbers[at + 1] = generation;
    if (refusal === null) {
      numbers[at + 2] = outcomeOf(arrival);
      numbers[at + 3] = arrival?.version ?? 0;
    } else {
      numbers[at + 2] = REFUSED + placeOf(refusal);
      numbers[at + 3] = refusal.retryAfterMs === undefined ? 0 : refusal.retryAfterMs + 1;
    }
    if (grant !== undefined) granted.push([index, grant]);
  });
  return { numbers, refusals, granted };
}

export function unpackVerdicts({ numbers, refusals, granted }: PackedVerdicts): Verdict[] {
  const verdicts: Verdict[] = [];
  for (let at = 0; at < numbers.length; at += VERDICT_NUMBERS) {
    const slot = numbers[at]!;
    const generation = numbers[at + 1]!;
    const outcome = numbers[at + 2]!;
    const value = numbers[at + 3]!;
    if (outcome >= REFUSED) {
      const refusal = refusals[outcome - REFUSED]!;
      verdicts.push({
        slot,
        generation,
        refusal: value === 0 ? refusal : { ...refusal, retryAfterMs: value - 1 },
      });
    } else {
      const arrival = arrivalOf(outcome, value | 0);
      verdicts.push({ slot, generation, refusal: null, ...(arrival === null ? {} : { arrival }) });
    }
  }
  for (const [index, grant] of granted) verdicts[index]!.granted = grant;
  return verdicts;
}

const CHANGE_NUMBERS = 3;
const CAME = 0;
const RESUMED = 1;
const LEFT = 2;
const LEFT_PLAIN = 3;
const AWAY = 4;
const BACK = 5;

export interface PackedChanges {
  /** Of each: what happened, and the places of its client's version and of why it left in `texts`. */
  numbers: Uint32Array;
  /** Of each: the peer. */
  keys: Uint8Array;
  texts: string[];
}

export function packChanges(changes: readonly PresenceChange[]): PackedChanges {
  const numbers = new Uint32Array(changes.length * CHANGE_NUMBERS);
  const keys = new Uint8Array(changes.length * KEY_BYTES);
  const texts = new Texts();
  changes.forEach((change, index) => {
    const at = index * CHANGE_NUMBERS;
    keys.set(change.peer, index * KEY_BYTES);
    if (change.came === undefined) numbers[at] = change.away ? AWAY : BACK;
    else if (change.came !== null) {
      numbers[at] = change.came.resumed ? RESUMED : CAME;
      numbers[at + 1] = texts.place(change.came.client);
    } else {
      numbers[at] = change.plain ? LEFT_PLAIN : LEFT;
      numbers[at + 1] = texts.place(change.client);
      numbers[at + 2] = texts.place(change.reason);
    }
  });
  return { numbers, keys, texts: texts.list };
}

/** Their peers are views of the one buffer. */
export function unpackChanges({ numbers, keys, texts }: PackedChanges): PresenceChange[] {
  const changes: PresenceChange[] = [];
  for (let at = 0, keyAt = keys.byteOffset; at < numbers.length; at += CHANGE_NUMBERS, keyAt += KEY_BYTES) {
    const peer = new Uint8Array(keys.buffer, keyAt, KEY_BYTES);
    const what = numbers[at]!;
    if (what >= AWAY) {
      changes.push({ peer, away: what === AWAY });
      continue;
    }
    const client = texts[numbers[at + 1]!]!;
    if (what <= RESUMED) changes.push({ peer, came: { client, resumed: what === RESUMED } });
    else {
      const reason = texts[numbers[at + 2]!] as DepartureReason;
      changes.push({ peer, came: null, client, reason, plain: what === LEFT_PLAIN });
    }
  }
  return changes;
}
