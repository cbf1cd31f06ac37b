/** What ends a run of the load: its figures would mean nothing. */
import type { FromLoad } from './plan.ts';

export type Fault = Extract<FromLoad, { kind: 'failed' }>['fault'];

export class LoadFault extends Error {
  readonly fault: Fault;

  constructor(fault: Fault, message: string) {
    super(message);
    this.fault = fault;
  }
}
