/** Resume tickets on a shard: those that are shown are opened, and who is let in is given the next. */
import { type KnownPolicy, type OpenedTicket, openTicket, sealTicket } from '../../core/identity/ticket.ts';
import type { EarlyResume } from '../../core/protocol/early-resume.ts';
import { TICKET_LIFETIME_MS } from '../../core/protocol/limits.ts';
import { earlyText, resumeText } from '../../core/protocol/login-text.ts';
import { EarlyProofs } from '../../core/threads/early-proofs.ts';
import type { ShardTask } from '../../core/threads/messages.ts';
import { processMs } from '../../core/threads/process-clock.ts';

type Task = Pick<ShardTask, 'relayKey' | 'ticketKey' | 'run' | 'earlyProofs'>;

export class Tickets {
  readonly #task: Task;
  readonly #earlyProofs: EarlyProofs;

  constructor(task: Task) {
    this.#task = task;
    this.#earlyProofs = new EarlyProofs(task.earlyProofs);
  }

  /** After `hello`. @returns null: it is none, it is too old, or the proof is wrong. */
  open({ ticket, proof, client }: Omit<EarlyResume, 'ageMs'>, nonce: Uint8Array): OpenedTicket | null {
    const text = resumeText(this.#task.relayKey, nonce, client);
    return openTicket(this.#task, ticket, proof, text, Date.now());
  }

  /** In the request for the WebSocket. @returns null also when it may have been shown before. */
  openEarly({ ticket, proof, ageMs, client }: EarlyResume): OpenedTicket | null {
    const text = earlyText(this.#task.relayKey, ageMs, client);
    const opened = openTicket(this.#task, ticket, proof, text, Date.now());
    if (opened === null || opened.givenMs === null) return null;
    return this.#earlyProofs.take(proof, opened.givenMs + ageMs, processMs()) ? opened : null;
  }

  /** @param known null: nothing is known of its policy. */
  seal(peer: Uint8Array, known: KnownPolicy | null): { ticket: Uint8Array; secret: Uint8Array } {
    const times = { endsAt: Date.now() + TICKET_LIFETIME_MS, givenMs: processMs() };
    return sealTicket(this.#task, peer, times, known);
  }
}
