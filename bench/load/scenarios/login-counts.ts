/** What is counted of logins over the measured time. */
import { Operation } from './operation.ts';
import type { RelayRefusal } from './refusal.ts';
import type { RetryCounts } from './scenario.ts';

export class LoginCounts {
  readonly login = new Operation();
  readonly handshake = new Operation();
  refused: Record<string, number> = {};
  retry: RetryCounts = noRetries();
  ticketsRefused = 0;

  reset(): void {
    this.refused = {};
    this.retry = noRetries();
    this.ticketsRefused = 0;
  }

  countRefusal({ code, retryAfterMs }: RelayRefusal): void {
    this.refused[code] = (this.refused[code] ?? 0) + 1;
    if (retryAfterMs === null) return;
    this.retry.asked++;
    this.retry.askedMs += retryAfterMs;
  }

  /** A try after a refusal. */
  countRetry({ retryAfterMs }: RelayRefusal, waitedMs: number): void {
    this.retry.retries++;
    if (retryAfterMs === null) return;
    this.retry.waitedMs += waitedMs;
    if (waitedMs < retryAfterMs) this.retry.early++;
  }
}

function noRetries(): RetryCounts {
  return { retries: 0, asked: 0, askedMs: 0, waitedMs: 0, early: 0 };
}
