/**
 * Who leaves when, and to which successor. Pure. Peers of one channel must be able to meet again, so a *group* (peers that
 * channels join, also over several steps) goes to one successor and, if it is small, at one moment. Everybody else is
 * dealt out evenly:
 *
 *   without channels   |----------- spread -----------|
 *   with channels      '---- grace ----|----------- spread -----------|
 *
 * Groups take turns on the successors: each goes where the fewest peers go so far.
 */

/** What a shard says of the sessions that it will send away, in an order that it remembers. */
export interface LeavingSessions {
  count: number;
  /** A number for each end of a channel, the same for the two ends of one channel; and whose end it is, as order. */
  channels: Float64Array;
  owners: Uint32Array;
}

/** The answer, in the shard's order. */
export interface LeaveOrders {
  /** Milliseconds from now. */
  inMs: Uint32Array;
  retryAfterMs: Uint32Array;
  /** The index of the successor to try first; the others follow in their order, around. */
  successor: Uint8Array;
}

export interface DrainTimes {
  graceMs: number;
  spreadMs: number;
  /** null: see RESTART_MS. */
  retryAfterMs: number | null;
  successors: number;
}

/**
 * Without a successor all come back to the same address, so each is told to stay away until the last has left and a new
 * process has had this long to start. Each waits equally long, so they come back as evenly as they left.
 */
export const RESTART_MS = 2_000;
/** A larger group shares its successor but not its moment: or a service with 10,000 callers would move as one crowd. */
export const MOST_TOGETHER = 16;

/** The number of a channel, from either of its ends: labels are 32 bits, and 64 shards need 6 more. */
export function channelNumber(shard: number, label: number, peerShard: number, peerLabel: number): number {
  return Math.min(shard * 2 ** 32 + label, peerShard * 2 ** 32 + peerLabel);
}

export function planDrain(shards: LeavingSessions[], times: DrainTimes): LeaveOrders[] {
  const offsets: number[] = [];
  let total = 0;
  for (const { count } of shards) {
    offsets.push(total);
    total += count;
  }
  const { groups, inCall } = groupsOf(shards, offsets, total);
  const orders: LeaveOrders[] = shards.map(({ count }) => ({
    inMs: new Uint32Array(count),
    retryAfterMs: new Uint32Array(count),
    successor: new Uint8Array(count),
  }));
  const shardOf = new Uint8Array(total);
  for (let shard = 0; shard < shards.length; shard++) shardOf.fill(shard, offsets[shard]);
  const calls = groups.filter((group) => inCall[group[0]!]);
  const others = groups.filter((group) => !inCall[group[0]!]);
  const { graceMs, spreadMs, retryAfterMs, successors } = times;
  const endMs = spreadMs + (calls.length > 0 ? graceMs : 0);
  const loads = new Array<number>(Math.max(1, successors)).fill(0);
  const deal = (list: number[][], fromMs: number): void => {
    const awayMs = retryAfterMs ?? (successors > 0 ? 0 : endMs - fromMs + RESTART_MS);
    const moments = momentsOf(list, spreadMs);
    list.forEach((group, order) => {
      const successor = loads.indexOf(Math.min(...loads));
      loads[successor]! += group.length;
      group.forEach((session, member) => {
        const shard = shardOf[session]!;
        const at = session - offsets[shard]!;
        orders[shard]!.inMs[at] = fromMs + moments[order]![Math.floor(member / MOST_TOGETHER)]!;
        orders[shard]!.retryAfterMs[at] = awayMs;
        orders[shard]!.successor[at] = successor;
      });
    });
  };
  deal(others, 0);
  deal(calls, graceMs);
  return orders;
}

/** For each group the moments of its parts, evenly by sessions: the first at 0, the last at the end of the spread. */
function momentsOf(groups: number[][], spreadMs: number): number[][] {
  const partsOf = (size: number): number => Math.ceil(size / MOST_TOGETHER);
  const sizes = groups.flatMap(({ length }) =>
    Array.from({ length: partsOf(length) }, (_, part) =>
      Math.min(MOST_TOGETHER, length - part * MOST_TOGETHER),
    ),
  );
  const beforeLast = sizes.slice(0, -1).reduce((sum, size) => sum + size, 0);
  let before = 0;
  let next = 0;
  return groups.map(({ length }) =>
    Array.from({ length: partsOf(length) }, () => {
      const moment = beforeLast === 0 ? 0 : Math.round((spreadMs * before) / beforeLast);
      before += sizes[next++]!;
      return moment;
    }),
  );
}

/** The groups, and of each its members, in an order in which the shards take turns. */
function groupsOf(
  shards: LeavingSessions[],
  offsets: number[],
  total: number,
): { groups: number[][]; inCall: Uint8Array } {
  const parent = Uint32Array.from({ length: total }, (_, session) => session);
  const root = (session: number): number => {
    let at = session;
    while (parent[at] !== at) {
      // Halve the path.
      parent[at] = parent[parent[at]!]!;
      at = parent[at]!;
    }
    return at;
  };
  const inCall = new Uint8Array(total);
  const firstEnds = new Map<number, number>();
  shards.forEach(({ channels, owners }, shard) => {
    channels.forEach((channel, end) => {
      const session = offsets[shard]! + owners[end]!;
      inCall[session] = 1;
      const other = firstEnds.get(channel);
      if (other === undefined) firstEnds.set(channel, session);
      else parent[root(session)] = root(other);
    });
  });
  const byRoot = new Map<number, number[]>();
  const most = Math.max(0, ...shards.map(({ count }) => count));
  for (let order = 0; order < most; order++) {
    for (let shard = 0; shard < shards.length; shard++) {
      if (order >= shards[shard]!.count) continue;
      const session = offsets[shard]! + order;
      const group = byRoot.get(root(session));
      if (group) group.push(session);
      else byRoot.set(root(session), [session]);
    }
  }
  return { groups: [...byRoot.values()], inCall };
}
