/** Builds what a phase sends and expects: for each call and flow one direction each way, with its packets encoded. */
import type { Call, Dialect, Lane, Peer } from './dialect.ts';
import type { Inbox } from './inbox.ts';
import { type ArrivalObserver, Incoming } from './incoming.ts';
import { Outgoing, type Schedule } from './outgoing.ts';
import { PacketCycle, payloadsOf } from './packet-cycle.ts';
import type { Flow } from './plan.ts';
import { Sender } from './sender.ts';
import { MAX_HEADER_BYTES } from './websocket-framing.ts';

export interface Member {
  peer: Peer;
  inbox: Inbox;
}

/** A call with its ends as indices of members. */
export interface Joined {
  caller: number;
  callee: number;
  call: Call;
}

export interface Direction {
  outgoing: Outgoing;
  incoming: Incoming;
  /** The sender is the caller of its call. */
  byCaller: boolean;
}

export interface DirectionPlan {
  flows: readonly Flow[];
  /** Packets of a cycle of this flow. */
  cyclePackets(flow: Flow): number;
  /** Each packet in a message of its own; else those of one write share one. Of no matter without messages. */
  single: boolean;
  /** Null in a closed loop. */
  scheduleOf: ((flow: Flow) => Schedule) | null;
  /** Differs between the phases of a process. */
  phase: number;
  observer: ArrivalObserver;
}

interface Half {
  from: number;
  to: number;
  sends: Lane;
  receives: Lane;
  byCaller: boolean;
}

function halvesOf({ caller, callee, call }: Joined, flow: number): [Half, Half] {
  const near = call.caller[flow]!;
  const far = call.callee[flow]!;
  if (call.echo) {
    return [
      { from: caller, to: caller, sends: near, receives: near, byCaller: true },
      { from: callee, to: callee, sends: far, receives: far, byCaller: false },
    ];
  }
  return [
    { from: caller, to: callee, sends: near, receives: far, byCaller: true },
    { from: callee, to: caller, sends: far, receives: near, byCaller: false },
  ];
}

/** Gives every member a sender and its inbox the lanes of this phase. Nothing may be under way. */
export function buildDirections(
  dialect: Dialect,
  members: readonly Member[],
  calls: readonly Joined[],
  plan: DirectionPlan,
): { directions: Direction[]; senders: Sender[] } {
  const { framing } = dialect;
  const messages = typeof framing === 'object' ? framing : null;
  const senders = members.map(({ peer }) => new Sender(peer, framing, plan.single ? null : messages));
  const lanes = members.map((): Incoming[] => []);
  const directions: Direction[] = [];
  let stamp = plan.phase << 24;

  const build = ({ from, to, sends, receives, byCaller }: Half, flow: Flow): Direction => {
    const payloads = payloadsOf(flow.sizes, plan.cyclePackets(flow), stamp++);
    const encode = (payload: Uint8Array) => sends.encode(payload);
    // In a closed loop the writes are long; in an open loop they are short, and there are more lanes to remember.
    const turns = plan.scheduleOf === null ? 2 : 1;
    const message = plan.single ? messages : null;
    const cycle = new PacketCycle(payloads, encode, { message, leadBytes: MAX_HEADER_BYTES, turns });
    const bare = message === null ? cycle : new PacketCycle(payloads, encode);
    const outgoing = new Outgoing(
      senders[from]!,
      cycle,
      bare,
      sends.credit ?? null,
      plan.scheduleOf?.(flow) ?? null,
    );
    const expected = new PacketCycle(payloads, (payload) => receives.expect(payload));
    const name = `${flow.name} from peer ${from} to peer ${to}`;
    const incoming = new Incoming(name, receives, expected, outgoing, plan.observer);
    lanes[to]!.push(incoming);
    return { outgoing, incoming, byCaller };
  };

  plan.flows.forEach((flow, f) => {
    for (const joined of calls) {
      const [there, back] = halvesOf(joined, f).map((half) => build(half, flow)) as [Direction, Direction];
      const echo = joined.call.echo === true;
      there.incoming.answer = echo ? there.outgoing : back.outgoing;
      back.incoming.answer = echo ? back.outgoing : there.outgoing;
      directions.push(there, back);
    }
  });
  for (const [i, { inbox }] of members.entries()) inbox.setLanes(lanes[i]!);
  return { directions, senders };
}
