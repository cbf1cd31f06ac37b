/** Which limit ended a session or refused a login, for the ledger (why.ts): by the code that its peer is told. */
import type { WireErrorCode } from '../../core/protocol/errors.ts';
import type { WhyReason } from '../../core/threads/why-reasons.ts';
import { LIVE, type Session } from './session.ts';
import type { WhyLedger } from './why.ts';

/** `drained` is in none: a drain of thousands would push out all else, and every one of them was told. */
const WHY_ENDED: Partial<Record<WireErrorCode, WhyReason>> = {
  'bad-frame': 'protocol-error',
  'bad-control': 'protocol-error',
  'unknown-op': 'protocol-error',
  'frame-too-large': 'protocol-error',
  'text-message': 'protocol-error',
  'already-logged-in': 'protocol-error',
  'not-logged-in': 'protocol-error',
  'credit-limit': 'credit-limit',
  'slow-reader': 'slow-reader',
  overloaded: 'overloaded',
  replaced: 'replaced',
  disconnected: 'disconnected',
  denied: 'denied',
  'relay-full': 'relay-full',
  'tenant-full': 'tenant-sessions',
  'bad-proof': 'bad-proof',
  'login-timeout': 'login-timeout',
  busy: 'login-busy',
  'version-refused': 'version-refused',
};

/** What is decided of a login only after its key was proved. */
const AFTER_PROOF: ReadonlySet<WhyReason> = new Set<WhyReason>([
  'denied',
  'authorize-failed',
  'relay-full',
  'tenant-sessions',
]);

/** @param why the reason, when the code does not tell it. */
export function noteRefusal(
  ledger: WhyLedger,
  session: Session,
  code: WireErrorCode,
  why = WHY_ENDED[code],
): void {
  // Before a key is claimed there is nobody whose it is.
  if (why === undefined || session.key === null) return;
  if (session.state === LIVE || AFTER_PROOF.has(why)) ledger.note(session.key, null, why);
  else ledger.noteClaimed(session.key, why);
}
