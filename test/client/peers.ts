/** A scripted relay and peers on it for one test; all of them are closed when the test ends. */
import { onTestFinished } from 'vitest';
import type { Channel } from '../../core/client/channel.ts';
import { type ConnectOptions, connect, type OpenOptions, type Peer } from '../../core/client/node.ts';
import { ScriptedRelay, type ScriptedRelayOptions } from './scripted-relay.ts';

export async function startRelay(options?: ScriptedRelayOptions): Promise<ScriptedRelay> {
  const relay = await ScriptedRelay.start(options);
  onTestFinished(() => relay.close());
  return relay;
}

export async function join(relay: { url: string }, options?: ConnectOptions): Promise<Peer> {
  const peer = await connect(relay.url, options);
  onTestFinished(() => peer.close());
  return peer;
}

export interface Pair {
  relay: ScriptedRelay;
  caller: Peer;
  callee: Peer;
  /** The caller's end. */
  near: Channel;
  /** The callee's end. */
  far: Channel;
}

export async function openPair(
  options: OpenOptions = {},
  relayOptions?: ScriptedRelayOptions,
): Promise<Pair> {
  const relay = await startRelay(relayOptions);
  const [caller, callee] = await Promise.all([join(relay), join(relay)]);
  const ends = await openBetween(caller, callee, options);
  return { relay, caller, callee, ...ends };
}

export async function openBetween(
  caller: Peer,
  callee: Peer,
  options: OpenOptions = {},
): Promise<{ near: Channel; far: Channel }> {
  const arrives = callee.incoming().next();
  const near = await caller.open(callee.id, options);
  const { value: far } = await arrives;
  if (far === undefined) throw new Error('the callee closed');
  return { near, far };
}

/** The next event of a name. */
export function next<E extends Event = Event>(
  target: { addEventListener(type: never, listener: (event: E) => void, options: { once: true }): void },
  type: string,
): Promise<E> {
  return new Promise((resolve) => target.addEventListener(type as never, resolve, { once: true }));
}

export function textOf(data: Uint8Array): string {
  return new TextDecoder().decode(data);
}

/** The messages to the end of the channel, as text. */
export async function texts(channel: AsyncIterable<Uint8Array>): Promise<string[]> {
  const all: string[] = [];
  for await (const message of channel) all.push(textOf(message));
  return all;
}
