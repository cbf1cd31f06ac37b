/** Shows that a channel carries: the caller sends a packet, the callee answers it with one. */
import type { CloseReason } from '../../core/protocol/errors.ts';
import { bundleWriter } from '../load/scenarios/bundle-writer.ts';
import type { ChannelEnd, ChannelReader } from '../load/scenarios/channel-end.ts';
import type { ControlPeer, Offer } from '../load/scenarios/control-peer.ts';
import { ChannelRefusal } from '../load/scenarios/refusal.ts';

const PACKET_BYTES = 160;
/** A realtime packet may be dropped: another one goes after this. */
const AGAIN_MS = 200;

/** Accepts a call, and answers each of its packets. */
export function acceptAndAnswer(peer: ControlPeer, offer: Offer): void {
  const end = peer.accept(offer, {
    data: () => sendPacket(peer, end),
    closed: () => {},
    credited: () => {},
  });
}

/** The caller's end. */
export class PacketEachWay implements ChannelReader {
  readonly #heard: Promise<void>;
  #resolve!: () => void;
  #reject!: (error: Error) => void;

  constructor() {
    this.#heard = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    // A channel that closes before anybody waits for its answer.
    this.#heard.catch(() => {});
  }

  /** @throws ChannelRefusal when the channel or the connection ends before the answer comes. */
  async through(peer: ControlPeer, end: ChannelEnd): Promise<void> {
    const send = (): void => {
      if (peer.hasLeft) this.#reject(new ChannelRefusal('connection-lost'));
      else sendPacket(peer, end);
    };
    send();
    const again = setInterval(send, AGAIN_MS);
    try {
      await this.#heard;
    } finally {
      clearInterval(again);
    }
  }

  data(): void {
    this.#resolve();
  }

  closed(reason: CloseReason): void {
    this.#reject(new ChannelRefusal(reason));
  }

  credited(): void {}
}

function sendPacket(peer: ControlPeer, end: ChannelEnd): void {
  bundleWriter.begin(peer.socket);
  const at = end.frame(bundleWriter, PACKET_BYTES);
  bundleWriter.bytes.fill(0, at, at + PACKET_BYTES);
  bundleWriter.send();
}
