/**
 * The packet path of a build alone: from a bundle that was received to the `send` of its receivers, with sockets that take
 * everything and do nothing. What it costs is some hundredths of what a relay does for a frame, so two builds of it can be
 * told apart where their relays cannot. The shard's code is named by URL: bench imports nothing from workers/.
 */
import { dataFrameBytes, writeDataFrame } from '../core/protocol/frame.ts';
import { OP_DATA } from '../core/protocol/ops.ts';

const PEERS = 100;
const PAYLOAD_BYTES = 160;
const AUDIO_DATA = OP_DATA + 1;
/** As shard/ends.ts has it. */
const LIFE_MS = 1_000;
/** Of a flight (shard/flight.ts), which a session with a realtime channel has. */
const FIRST_MARK_BYTES = 16 * 1024;
const SENT = 1;
const SLICE_FRAMES = 300_000;

/** What of a build is used, whatever else it has. */
interface ShardModules {
  Ends: new () => Ends;
  SessionTable: new () => { add(socket: TakesAll): Session };
  Outboxes: new (host: object, ends: Ends, counters: Float64Array) => Outboxes;
  forwardBundle(host: object, session: Session, bytes: Uint8Array): void;
  LIVE: number;
  OPEN: number;
}
interface Ends {
  label: Uint32Array;
  peerLabel: Uint32Array;
  state: Uint8Array;
  op: Uint8Array;
  lifeMs: Uint16Array;
  allocate(owner: number): number;
}
interface Session {
  slot: number;
  state: number;
  flightMark?: number;
}
interface Outboxes {
  flush(): void;
  /** A pong has come. Older builds have none. */
  answered?(session: Session, payload: ArrayBuffer): void;
}

class TakesAll {
  sent = 0;
  asked: ArrayBuffer | null = null;
  send(message: Uint8Array): number {
    this.sent += message.length;
    return SENT;
  }
  ping(payload: Uint8Array): number {
    this.asked = payload.slice().buffer;
    return SENT;
  }
  getBufferedAmount(): number {
    return 0;
  }
}

export class PathAlone {
  readonly #modules: ShardModules;
  readonly #host: { outboxes: Outboxes };
  readonly #peers: { session: Session; socket: TakesAll; label: number }[] = [];

  /** @param dist where the build is. @throws Error when it is none. */
  static async load(dist: URL): Promise<PathAlone> {
    const load = (name: string): Promise<object> => import(new URL(`workers/shard/${name}.js`, dist).href);
    const parts = await Promise.all(['ends', 'session', 'outbox', 'forward'].map(load));
    return new PathAlone(Object.assign({}, ...parts) as ShardModules);
  }

  private constructor(modules: ShardModules) {
    this.#modules = modules;
    const { Ends, SessionTable, Outboxes, LIVE, OPEN } = modules;
    const ends = new Ends();
    const sessions = new SessionTable();
    const counters = new Float64Array(new SharedArrayBuffer(4_096));
    const nothing = (): void => {};
    const never = (): never => {
      throw new Error('The packet path alone dropped a frame or ended a session.');
    };
    const why = { noteSent: never, noteWaited: never, note: never };
    const congestion = { dropped: never, droppedFor: never, passedFor: nothing };
    const outboxes = new Outboxes(
      { why, congestion, end: never, fault: never, schedule: nothing },
      ends,
      counters,
    );
    const rest = { links: {}, heldCredit: {}, behind: { active: false }, lookup: () => 0, control: never };
    this.#host = {
      index: 0,
      sessions,
      ends,
      outboxes,
      counters,
      why,
      congestion,
      shed: never,
      overrun: never,
      ...rest,
    } as never;
    for (let i = 0; i < PEERS; i++) {
      const socket = new TakesAll();
      const session = sessions.add(socket);
      session.state = LIVE;
      if (session.flightMark !== undefined) session.flightMark = FIRST_MARK_BYTES;
      this.#peers.push({ session, socket, label: 0 });
    }
    // In a ring: each sends to the one after it.
    this.#peers.forEach((peer, i) => {
      const receiver = this.#peers[(i + 1) % PEERS]!;
      const [mine, theirs] = [ends.allocate(peer.session.slot), ends.allocate(receiver.session.slot)];
      for (const end of [mine, theirs]) {
        ends.state[end] = OPEN;
        ends.op[end] = AUDIO_DATA;
        ends.lifeMs[end] = LIFE_MS;
      }
      ends.peerLabel[mine] = ends.label[theirs]!;
      ends.peerLabel[theirs] = ends.label[mine]!;
      peer.label = ends.label[mine]!;
    });
  }

  /** @param frames in a message. @returns CPU time of this process for a frame, nanoseconds. */
  slice(frames: number): number {
    const { forwardBundle } = this.#modules;
    const { outboxes } = this.#host;
    const messages = this.#peers.map(({ label }) => bundleOf(frames, label));
    const buffers = messages.map((message) => message.slice());
    const turns = Math.ceil(SLICE_FRAMES / (PEERS * frames));
    const before = this.#sent();
    const cpuBefore = process.cpuUsage();
    for (let turn = 0; turn < turns; turn++) {
      for (let i = 0; i < PEERS; i++) {
        // As received: the path writes the receiver's label over the sender's.
        buffers[i]!.set(messages[i]!);
        forwardBundle(this.#host, this.#peers[i]!.session, buffers[i]!);
      }
      outboxes.flush();
      this.#answerPings();
    }
    const { user, system } = process.cpuUsage(cpuBefore);
    const count = turns * PEERS * frames;
    if (this.#sent() - before !== count * dataFrameBytes(PAYLOAD_BYTES))
      throw new Error('The packet path alone did not send what it was given.');
    return ((user + system) * 1_000) / count;
  }

  #sent(): number {
    return this.#peers.reduce((sum, { socket }) => sum + socket.sent, 0);
  }

  #answerPings(): void {
    for (const { session, socket } of this.#peers) {
      if (socket.asked === null) continue;
      this.#host.outboxes.answered?.(session, socket.asked);
      socket.asked = null;
    }
  }
}

function bundleOf(frames: number, label: number): Uint8Array {
  const payload = new Uint8Array(PAYLOAD_BYTES).fill(7);
  const bundle = new Uint8Array(frames * dataFrameBytes(PAYLOAD_BYTES));
  for (let at = 0; at < bundle.length; ) at = writeDataFrame(bundle, at, AUDIO_DATA, label, payload);
  return bundle;
}
