/** One direction of a channel: numbered packets, each of which must arrive once, in order and as it was sent. */

import { LoadFault } from '../fault.ts';
import type { BundleWriter } from './bundle-writer.ts';
import type { ChannelEnd } from './channel-end.ts';
import { DueTimes } from './due-times.ts';
import { readPayload, writePayload } from './numbered-payload.ts';
import type { Operation, UnderWay } from './operation.ts';

export class NumberedFlow implements UnderWay {
  readonly #id: number;
  readonly #operation: Operation;
  /** On a reliable channel a gap is a fault; on a realtime one it is a loss, which is counted. */
  readonly #reliable: boolean;
  readonly #underWay = new DueTimes();
  #sent = 0;
  /** Number of the packet that must come next. */
  #next = 0;
  #lost = 0;
  /** Nobody waits any more: what comes now was counted as lost. */
  #gaveUp = false;

  constructor(id: number, operation: Operation, reliable: boolean) {
    this.#id = id;
    this.#operation = operation;
    this.#reliable = reliable;
    operation.addSource(this);
  }

  get sent(): number {
    return this.#sent;
  }

  get lost(): number {
    return this.#lost;
  }

  get arrived(): number {
    return this.#next - this.#lost;
  }

  get packetsUnderWay(): number {
    return this.#underWay.size;
  }

  eachDueAtMs(visit: (dueAtMs: number) => void): void {
    this.#underWay.each(visit);
  }

  /** Writes the next packet into the writer's message. */
  append(writer: BundleWriter, from: ChannelEnd, payloadBytes: number, dueAtMs: number): void {
    const at = from.frame(writer, payloadBytes);
    writePayload(writer.bytes, at, payloadBytes, this.#id, this.#sent++);
    this.#underWay.add(dueAtMs);
    this.#operation.countDue(dueAtMs);
  }

  /** @throws LoadFault when what came is not what must come. */
  take(bytes: Buffer, from: number, to: number, nowMs: number): void {
    const number = readPayload(bytes, from, to, this.#id);
    if (this.#gaveUp && number < this.#sent) return;
    if (number < this.#next || number >= this.#sent) {
      throw new LoadFault(
        'corrupted',
        `Packet ${number} of flow ${this.#id} came where ${this.#next} was due.`,
      );
    }
    if (number > this.#next) this.#skip(number - this.#next);
    this.#next = number + 1;
    this.#operation.countDone(this.#underWay.take(), nowMs);
  }

  /** Whatever is still under way is lost. */
  giveUp(): void {
    this.#gaveUp = true;
    if (this.#underWay.size > 0) this.#skip(this.#underWay.size);
    this.#next = this.#sent;
  }

  /** Its packets count no more: all have arrived, or the channel was cut on purpose. */
  end(): void {
    this.#operation.removeSource(this);
  }

  #skip(packets: number): void {
    if (this.#reliable) {
      throw new LoadFault(
        'lost',
        `${packets} packets of the reliable flow ${this.#id} were lost after ${this.arrived}.`,
      );
    }
    this.#lost += packets;
    this.#operation.countLost(packets);
    for (let i = 0; i < packets; i++) this.#underWay.take();
  }
}
