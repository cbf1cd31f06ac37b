/**
 * What it costs to append frames to receivers' outboxes and to flush them, with a socket that takes everything and does
 * nothing: the shard's (workers/shard/outbox.ts) and the client's (core/client/outbox.ts).
 */
import { Outbox } from '../../core/client/outbox.ts';
import { encodeControl } from '../../core/protocol/control.ts';
import { dataFrameBytes, writeDataFrame } from '../../core/protocol/frame.ts';
import { OP_DATA, OP_OPENED } from '../../core/protocol/ops.ts';
import { countersOf, createCounters } from '../../core/threads/counters.ts';
import type { ShardSocket } from '../../core/transport/uws.ts';
import { consume } from './blackhole.ts';
import { numbersFrom } from './numbers.ts';
import { loadShardModules, type ShardOutboxes, type ShardSession } from './shard-modules.ts';
import { defineSuite, sync, type Work } from './task.ts';

const PAYLOAD_BYTES = 160;
const RECEIVERS = 100;
const AUDIO = 1;
const AUDIO_DATA = OP_DATA + AUDIO;
const SENT = 1;

const shape = { frameBytes: dataFrameBytes(PAYLOAD_BYTES), receivers: RECEIVERS };

export const outboxSuite = defineSuite({
  suite: 'outbox',
  tasks: {
    single: {
      title: 'Append and flush a frame, one to each receiver in a turn',
      operations: RECEIVERS,
      parameters: { ...shape, framesPerTurn: 1, run: 1 },
    },
    'single-16': {
      title: 'Append and flush a frame, 16 to each receiver in a turn, one by one',
      operations: RECEIVERS * 16,
      parameters: { ...shape, framesPerTurn: 16, run: 1 },
    },
    'run-16': {
      title: 'Append and flush a frame, 16 to each receiver in a turn, as one run',
      operations: RECEIVERS * 16,
      parameters: { ...shape, framesPerTurn: 16, run: 16 },
    },
    control: {
      title: 'Append and flush a control frame',
      operations: RECEIVERS,
      parameters: { receivers: RECEIVERS, framesPerTurn: 1 },
    },
    client: {
      title: "Append a frame to a client's outbox, 64 in a bundle, and flush it",
      operations: 64,
      parameters: { frameBytes: shape.frameBytes, framesPerTurn: 64 },
    },
  },
  async open() {
    const shard = await openShard();
    return {
      work: {
        single: shard.appending(1, 1),
        'single-16': shard.appending(16, 1),
        'run-16': shard.appending(16, 16),
        control: shard.control(),
        client: clientWork(),
      },
      close: async () => {},
    };
  },
});

/** Takes everything at once. One class for all receivers, as in a shard, so that calls to it are as direct. */
class StubSocket implements ShardSocket<ShardSession> {
  session!: ShardSession;
  send(message: Uint8Array): number {
    consume(message.length + message[0]!);
    return SENT;
  }
  ping(): number {
    return SENT;
  }
  getBufferedAmount(): number {
    return 0;
  }
  getRemoteAddressAsText(): ArrayBuffer {
    return new ArrayBuffer(0);
  }
  end(): void {}
  close(): void {}
}

async function openShard() {
  const { Ends, LIVE, Outboxes, SessionTable } = await loadShardModules();
  const ends = new Ends();
  const sessions = new SessionTable();
  const host = {
    why: { noteWaited: () => {} },
    congestion: { droppedFor: () => {}, passedFor: () => {} },
    end: (_session: ShardSession, code: string) => {
      throw new Error(`The shard ends a session: ${code}.`);
    },
    fault: (_session: ShardSession, error: unknown) => {
      throw error;
    },
    schedule: () => {},
  };
  const outboxes = new Outboxes(host, ends, countersOf(createCounters(1), 0));
  const receivers = Array.from({ length: RECEIVERS }, () => {
    const session = sessions.add(new StubSocket());
    session.state = LIVE;
    const end = ends.allocate(session.slot);
    ends.op[end] = AUDIO_DATA;
    ends.lifeMs[end] = 1000;
    return { session, end };
  });
  return {
    appending: (frames: number, run: number) => appending(outboxes, receivers, frames, run),
    control: () => controlWork(outboxes, receivers),
  };
}

type Receivers = readonly { session: ShardSession; end: number }[];

function appending(outboxes: ShardOutboxes, receivers: Receivers, frames: number, run: number): Work {
  const bundle = bundleOf(frames);
  const runBytes = run * shape.frameBytes;
  return sync(() => {
    for (let start = 0; start < bundle.length; start += runBytes) {
      for (let i = 0; i < RECEIVERS; i++) {
        const { session, end } = receivers[i]!;
        outboxes.appendData(session, end, bundle, start, start + runBytes, run);
      }
    }
    outboxes.flush();
  });
}

function controlWork(outboxes: ShardOutboxes, receivers: Receivers): Work {
  const frame = encodeControl(OP_OPENED, 7, { label: 0x0010_0001, credit: 65_536 });
  return sync(() => {
    for (let i = 0; i < RECEIVERS; i++) outboxes.appendControl(receivers[i]!.session, frame, AUDIO);
    outboxes.flush();
  });
}

function clientWork(): Work {
  const payload = numbersFrom(3).bytes(PAYLOAD_BYTES);
  const socket = {
    bufferedAmount: 0,
    send: (bundle: Uint8Array) => consume(bundle.length + bundle[0]!),
    watchProgress: () => {},
    close: () => {},
    terminate: () => {},
  };
  const outbox = new Outbox({ socket, afterTurn: () => {}, beforeFlush: () => {} });
  return sync(() => {
    for (let i = 0; i < 64; i++) outbox.addData(AUDIO_DATA, 0x0010_0001, payload);
    outbox.flush();
  });
}

function bundleOf(frames: number): Uint8Array {
  const payload = numbersFrom(4).bytes(PAYLOAD_BYTES);
  const bundle = new Uint8Array(frames * shape.frameBytes);
  for (let at = 0; at < bundle.length; ) at = writeDataFrame(bundle, at, AUDIO_DATA, 0x0010_0001, payload);
  return bundle;
}
