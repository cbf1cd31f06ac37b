/**
 * How the load speaks to a TURN server, in one of two arrangements.
 *
 * Both ends of a call are TURN clients, as they are where neither can be reached, which is what the other systems do for
 * theirs. A packet passes through the server twice, by way of both allocations:
 *
 *   caller --ChannelData--> its relayed address --UDP within the server--> callee's relayed address --ChannelData--> callee
 *
 * Or only the caller is, and the callee a UDP socket that the server can reach by itself. A packet passes once; this is
 * the arrangement most charitable to it:
 *
 *   caller --ChannelData--> its relayed address --plain UDP--> callee
 */
import type { Call, Dialect, Lane, Peer } from '../dialect.ts';
import { channelData } from './channel-data.ts';
import { type Transport, TurnPeer } from './turn-peer.ts';

function lane(key: number, padded: boolean): Lane {
  const packet = (payload: Uint8Array): Uint8Array => channelData(key, payload, padded);
  return { key, encode: packet, expect: packet };
}

async function call(caller: TurnPeer, callee: TurnPeer, flows: number, padded: boolean): Promise<Call> {
  const lanes: Call = { caller: [], callee: [] };
  const client = await caller.client();
  const plain = callee.plain();
  for (let i = 0; i < flows; i++) {
    const { key, local } = await plain.add(client.relayed);
    lanes.callee.push(lane(key, padded));
    lanes.caller.push(lane(await client.bind(local), padded));
  }
  return lanes;
}

async function callOfClients(
  caller: TurnPeer,
  callee: TurnPeer,
  flows: number,
  padded: boolean,
): Promise<Call> {
  // An address has one channel only (RFC 8656 §12.2), and a client here one address.
  if (flows !== 1) throw new Error(`Two TURN clients of a call share one flow here, not ${flows}.`);
  const [near, far] = await Promise.all([caller.client(), callee.client()]);
  const [there, back] = await Promise.all([near.bind(far.relayed), far.bind(near.relayed)]);
  return { caller: [lane(there, padded)], callee: [lane(back, padded)] };
}

/** @param clients the ends of a call that are TURN clients. */
export function turnDialect(transport: Transport, clients: 'both' | 'caller'): Dialect {
  const join = clients === 'both' ? callOfClients : call;
  const turnPeer = (peer: Peer): TurnPeer => {
    if (!(peer instanceof TurnPeer)) throw new Error('This peer is of another dialect.');
    return peer;
  };
  return {
    framing: transport.stream ? 'stream' : 'datagrams',
    // Nothing is sent before the peer's first call: only that tells which end it is.
    connect: async (address, _index, receive) => new TurnPeer(transport, address, receive),
    call: (caller, callee, flows) => join(turnPeer(caller), turnPeer(callee), flows.length, transport.stream),
  };
}
