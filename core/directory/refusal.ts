/**
 * Why the directory did not do what a peer asked. Thrown before the ask's first write, so that nothing of it is stored
 * and the rest of its batch goes on.
 */
import { SupernodeError, type WireErrorCode } from '../protocol/errors.ts';
import type { Failure } from '../threads/directory-messages.ts';

export class Refusal extends SupernodeError {
  readonly wireCode: WireErrorCode;
  constructor(code: WireErrorCode, message: string) {
    super(code, message);
    this.name = 'Refusal';
    this.wireCode = code;
  }
}

export function failureOf({ wireCode, message }: Refusal): Failure {
  return { failed: { code: wireCode, message } };
}

/** As told to a peer when the store failed: what is wrong with the disk is the operator's business. */
export function storeFailure(error: unknown): Failure {
  const full = error instanceof SupernodeError && error.code === 'directory-full';
  return {
    failed: full
      ? { code: 'directory-full', message: "The relay's directory is full; nothing was stored." }
      : { code: 'directory-unavailable', message: "The relay's directory cannot be used at the moment." },
  };
}
