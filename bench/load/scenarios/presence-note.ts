/**
 * Tells one contact about a change of presence: a bulk channel, one packet, and the contact closes it. Whether the
 * contact is here at all is known only by the answer, so a note to somebody who is not is a look-up.
 */
import { PRIORITIES } from '../../../core/protocol/ops.ts';
import { LoadFault } from '../fault.ts';
import { bundleWriter } from './bundle-writer.ts';
import type { ChannelEnd } from './channel-end.ts';
import type { ControlPeer } from './control-peer.ts';
import { within } from './deadline.ts';
import { NumberedFlow } from './numbered-flow.ts';
import type { Operation } from './operation.ts';
import { ChannelRefusal } from './refusal.ts';
import type { Switchboard } from './switchboard.ts';

const DEADLINE_MS = 10_000;
const BULK = PRIORITIES.indexOf('bulk');

export interface Note {
  from: ControlPeer;
  /** The contact's key. */
  to: Uint8Array;
  bytes: number;
  dueAtMs: number;
  /** Told apart from every other by this. */
  flow: number;
}

/** `cut`: the contact left meanwhile. @throws LoadFault when a note is lost or changed. */
export async function tellContact(
  switchboard: Switchboard,
  note: Note,
  presence: Operation,
): Promise<'told' | 'absent' | 'cut'> {
  const flow = new NumberedFlow(note.flow, presence, true);
  let closed: (reason: string) => void;
  const whenClosed = new Promise<string>((resolve) => {
    closed = resolve;
  });
  const name = switchboard.expect((contact, offer) => {
    const end: ChannelEnd = contact.accept(offer, {
      data: (bytes, from, to) => {
        flow.take(bytes, from, to, performance.now());
        contact.close(end);
      },
      closed: () => {},
      credited: () => {},
    });
  });
  const kind = { reliable: true, priority: BULK, lifeMs: 0, protocol: name };
  try {
    const end = await note.from.open(note.to, kind, {
      data: () => {
        throw new LoadFault('corrupted', 'A contact answered a note of presence.');
      },
      closed: (reason) => closed(reason),
      credited: () => {},
    });
    bundleWriter.begin(note.from.socket);
    flow.append(bundleWriter, end, note.bytes, note.dueAtMs);
    bundleWriter.send();
    const reason = await within(DEADLINE_MS, 'lost', 'The end of a note of presence', whenClosed);
    if (flow.packetsUnderWay === 0) return 'told';
    if (reason === 'closed') throw new LoadFault('lost', 'A note of presence was lost.');
    return 'cut';
  } catch (error) {
    if (!(error instanceof ChannelRefusal)) throw error;
    return error.reason === 'not-found' ? 'absent' : 'cut';
  } finally {
    switchboard.forget(name);
    flow.end();
  }
}
