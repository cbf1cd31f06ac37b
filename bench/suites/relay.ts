/**
 * A whole relay, from socket to socket, with one call: how long a frame takes among many, and how long one takes alone.
 * An iteration of `relay-throughput` is a window of frames and its arrival, so its figure is wall time over frames; both
 * ends of the call share a thread on the load's core. What a relay does with hundreds of peers, the profiles tell.
 */
import { consume } from './blackhole.ts';
import { type Call, openCall, PAYLOAD_BYTES, packets, warmUp } from './call.ts';
import { defineSuite, type OpenSuite, type Placement, type Work } from './task.ts';

const parameters = { payloadBytes: PAYLOAD_BYTES, peers: 2, shards: 1 };

type Windows = 'window-16' | 'window-64' | 'window-256';
const WINDOWS: Record<Windows, number> = { 'window-16': 16, 'window-64': 64, 'window-256': 256 };

const windowTask = (window: number) => ({
  title: `Forward a bundle of ${window} frames, one call`,
  operations: window,
  parameters: { ...parameters, window },
});

export const relayThroughputSuite = defineSuite<Windows>({
  suite: 'relay-throughput',
  tasks: {
    'window-16': windowTask(16),
    'window-64': windowTask(64),
    'window-256': windowTask(256),
  },
  open: (placement) =>
    openWork(placement, (call) => ({
      'window-16': oneWay(call, WINDOWS['window-16']),
      'window-64': oneWay(call, WINDOWS['window-64']),
      'window-256': oneWay(call, WINDOWS['window-256']),
    })),
});

export const relayLatencySuite = defineSuite<'round-trip'>({
  suite: 'relay-latency',
  tasks: {
    'round-trip': {
      title: 'A frame to the other peer, and one back',
      operations: 1,
      parameters: { ...parameters, window: 1 },
    },
  },
  open: (placement) => openWork(placement, (call) => ({ 'round-trip': roundTrip(call) })),
});

async function openWork<Names extends string>(
  { core }: Placement,
  workOf: (call: Call) => Record<Names, () => Promise<void>>,
): Promise<OpenSuite<Names>> {
  const call = await openCall(core);
  try {
    const work = {} as Record<Names, Work>;
    for (const [name, iterate] of Object.entries(workOf(call)) as [Names, () => Promise<void>][]) {
      await warmUp(iterate);
      work[name] = { async: true, iterate };
    }
    return { work, close: () => call.close() };
  } catch (error) {
    await call.close();
    throw error;
  }
}

/** Sends one bundle; the same frames must arrive under the callee's label, in whatever bundles. */
function oneWay({ caller, callee, callerLabel, calleeLabel }: Call, window: number): () => Promise<void> {
  const sent = packets(callerLabel, window);
  const expected = Buffer.from(packets(calleeLabel, window));
  return () =>
    new Promise((resolve, reject) => {
      let arrived = 0;
      caller.onfailure = reject;
      callee.onfailure = reject;
      callee.onbundle = (bytes) => {
        const end = arrived + bytes.length;
        if (end > expected.length || expected.compare(bytes, 0, bytes.length, arrived, end) !== 0)
          throw new Error(`The relay lost or changed one of ${window} frames.`);
        arrived = end;
        consume(bytes[bytes.length - 1]!);
        if (arrived === expected.length) resolve();
      };
      caller.send(sent);
    });
}

function roundTrip(call: Call): () => Promise<void> {
  const there = oneWay(call, 1);
  const back = oneWay(
    {
      ...call,
      caller: call.callee,
      callee: call.caller,
      callerLabel: call.calleeLabel,
      calleeLabel: call.callerLabel,
    },
    1,
  );
  return async () => {
    await there();
    await back();
  };
}
