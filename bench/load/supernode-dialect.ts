/**
 * `supernode`: the real protocol. Each peer logs in with a key of its own; each flow of a call is a channel with the
 * flow's priority. Realtime packets outlive the run, so that a loss is the relay's and not the clock's; a reliable
 * channel's receiver grants the windows that supernode's client grants, and renews them as packets come.
 */
import {
  LARGE_WINDOW_BYTES,
  LARGE_WINDOWS,
  MAX_FRAME_BYTES,
  MAX_PACKET_LIFE_MS,
  SMALL_WINDOW_BYTES,
} from '../../core/protocol/limits.ts';
import { PRIORITIES } from '../../core/protocol/ops.ts';
import { DataLane } from './data-lane.ts';
import type { Call, Dialect, Lane } from './dialect.ts';
import type { Flow } from './plan.ts';
import { SupernodePeer } from './supernode-peer.ts';
import { websocketFraming } from './websocket-framing.ts';

/** Below the offers that a relay lets wait for one callee. */
const CALLS_AT_ONCE = 16;

/** What a receiver grants on a channel, and when it grants again (docs/protocol.md §6.4). */
class Window {
  readonly bytes: number;
  readonly #renewBytes: number;
  #taken = 0;

  constructor(bytes: number) {
    this.bytes = bytes;
    // The largest frame must always have room.
    this.#renewBytes = Math.min(bytes / 4, bytes - MAX_FRAME_BYTES);
  }

  /** @returns bytes to grant now, 0 for none yet. */
  take(bytes: number): number {
    this.#taken += bytes;
    if (this.#taken < this.#renewBytes) return 0;
    const grant = this.#taken;
    this.#taken = 0;
    return grant;
  }
}

/** Windows that each peer has granted. */
const windows = new WeakMap<SupernodePeer, number>();

function windowFor(peer: SupernodePeer): Window {
  const granted = windows.get(peer) ?? 0;
  windows.set(peer, granted + 1);
  return new Window(granted < LARGE_WINDOWS ? LARGE_WINDOW_BYTES : SMALL_WINDOW_BYTES);
}

/** @param granted bytes that the partner lets this end send. */
function laneOf(
  peer: SupernodePeer,
  { priority }: Flow,
  end: { label: number; granted: number; window: Window | null },
): Lane {
  const { label, granted, window } = end;
  if (window === null) return new DataLane(priority, label);
  const credit = peer.creditOf(label);
  credit.bytes += granted;
  const taken = (bytes: number): void => {
    const grant = window.take(bytes);
    if (grant > 0) peer.grant(label, grant);
  };
  return new DataLane(priority, label, { credit, taken });
}

async function openChannel(
  caller: SupernodePeer,
  callee: SupernodePeer,
  flow: Flow,
  number: number,
): Promise<[Lane, Lane]> {
  const { reliable, priority } = flow;
  const near = reliable ? windowFor(caller) : null;
  const far = reliable ? windowFor(callee) : null;
  const protocol = `bench/${number}`;
  const opened = caller.open({
    to: callee.publicKey,
    reliable,
    priority: PRIORITIES.indexOf(priority),
    lifeMs: reliable ? 0 : MAX_PACKET_LIFE_MS,
    credit: near?.bytes ?? 0,
    protocol,
  });
  const [{ label, credit }, accepted] = await Promise.all([
    opened,
    callee.accept(caller, protocol, far?.bytes ?? 0),
  ]);
  return [
    laneOf(caller, flow, { label, granted: credit, window: near }),
    laneOf(callee, flow, { label: accepted, granted: near?.bytes ?? 0, window: far }),
  ];
}

async function call(caller: SupernodePeer, callee: SupernodePeer, flows: readonly Flow[]): Promise<Call> {
  const made: Call = { caller: [], callee: [] };
  for (const [number, flow] of flows.entries()) {
    const [near, far] = await openChannel(caller, callee, flow, number);
    made.caller.push(near);
    made.callee.push(far);
  }
  return made;
}

export function supernodeDialect(): Dialect {
  return {
    framing: websocketFraming,
    connect: (address, _index, receive) => SupernodePeer.connect(address, receive),
    call: (caller, callee, flows) => call(caller as SupernodePeer, callee as SupernodePeer, flows),
    callsAtOnce: CALLS_AT_ONCE,
  };
}
