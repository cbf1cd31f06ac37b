/** Requests to a TURN server that wait for their answers (RFC 8489 §6.2). */
import { type Attribute, encodeStun, newTransactionId, readErrorCode, type StunMessage } from './stun.ts';

/** RFC 8489 starts with 500 ms, and doubles it; on the loopback only a server that is busy answers late. */
const RESEND_MS = 500;
const DEADLINE_MS = 20_000;

interface Waiting {
  resolve(answer: StunMessage): void;
  reject(error: Error): void;
}

function keyOf(transactionId: Uint8Array): string {
  return Buffer.from(transactionId).toString('hex');
}

export class Transactions {
  readonly #send: (request: Uint8Array) => void;
  readonly #resends: boolean;
  readonly #waiting = new Map<string, Waiting>();

  /** @param resends over UDP a request, or its answer, may be lost. */
  constructor(send: (request: Uint8Array) => void, resends: boolean) {
    this.#send = send;
    this.#resends = resends;
  }

  /** @returns the server's success. @throws Error when it refuses, or does not answer. */
  async request(name: string, method: number, attributes: Attribute[]): Promise<StunMessage> {
    const transactionId = newTransactionId();
    const request = encodeStun({ kind: 'request', method, transactionId, attributes });
    const key = keyOf(transactionId);
    const resend = setInterval(() => this.#resends && this.#send(request), RESEND_MS);
    let deadline: NodeJS.Timeout | undefined;
    try {
      const answer = await new Promise<StunMessage>((resolve, reject) => {
        this.#waiting.set(key, { resolve, reject });
        deadline = setTimeout(
          () => reject(new Error(`The TURN server did not answer ${name} in ${DEADLINE_MS} ms.`)),
          DEADLINE_MS,
        );
        this.#send(request);
      });
      if (answer.kind === 'error')
        throw new Error(`The TURN server refused ${name}: ${readErrorCode(answer)}.`);
      if (answer.method !== method)
        throw new Error(`The TURN server answered ${name} with method ${answer.method}.`);
      return answer;
    } finally {
      clearInterval(resend);
      clearTimeout(deadline);
      this.#waiting.delete(key);
    }
  }

  /** A message that is not the answer to a request that waits (it was resent and answered twice) changes nothing. */
  arrived(message: StunMessage): void {
    if (message.kind !== 'success' && message.kind !== 'error') return;
    this.#waiting.get(keyOf(message.transactionId))?.resolve(message);
  }

  failAll(error: Error): void {
    for (const { reject } of this.#waiting.values()) reject(error);
  }
}
