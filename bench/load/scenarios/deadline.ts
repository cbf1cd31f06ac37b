/** How anything that goes wrong becomes a fault of the load, and the deadlines that keep a scenario from hanging. */
import { ProtocolError } from '../../../core/protocol/errors.ts';
import { type Fault, LoadFault } from '../fault.ts';

export function faultOf(error: unknown): LoadFault {
  if (error instanceof LoadFault) return error;
  const { message } = error as Error;
  return new LoadFault(error instanceof ProtocolError ? 'corrupted' : 'broken', message);
}

/** @throws LoadFault when the promise takes longer than this. */
export async function within<T>(
  deadlineMs: number,
  fault: Fault,
  what: string,
  promise: Promise<T>,
): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new LoadFault(fault, `${what} did not come in ${deadlineMs} ms.`)),
      deadlineMs,
    );
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
