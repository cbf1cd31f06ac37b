/**
 * A call: a signal channel with the frames of its set-up, then audio, and video if it has it, in both directions.
 *
 *   due | open signal | frame 1 -> | <- frame 2 | ... frame n | open audio (and video) | packets ... | all closed
 *       |<------------------------- set-up ------------------------------------------->|
 */
import type { ControlPeer } from './control-peer.ts';
import { within } from './deadline.ts';
import type { Draws } from './draws.ts';
import { MediaSender, type Medium } from './media.ts';
import type { Operation } from './operation.ts';
import type { Pacer } from './pacer.ts';
import { Pipe, type PipeDirection } from './pipe.ts';
import type { Switchboard } from './switchboard.ts';

const SIGNAL_DEADLINE_MS = 10_000;

export interface CallWorld {
  switchboard: Switchboard;
  pacer: Pacer;
  draws: Draws;
}

export interface CallPlan {
  caller: ControlPeer;
  callee: ControlPeer;
  /** Sizes of the frames of the set-up; caller and callee take turns. Empty: there is no signal channel. */
  signalBytes: readonly number[];
  /** Each a realtime channel. */
  media: readonly { priority: 'audio' | 'video'; medium: Medium; operation: Operation }[];
}

export class Call {
  readonly #world: CallWorld;
  readonly #pipes: Pipe[];
  readonly #senders: MediaSender[];

  private constructor(world: CallWorld, pipes: Pipe[], senders: MediaSender[]) {
    this.#world = world;
    this.#pipes = pipes;
    this.#senders = senders;
  }

  /** Resolves once the call's media channels are open, and its packets flow. */
  static async setUp(world: CallWorld, plan: CallPlan, signal: Operation): Promise<Call> {
    const { caller, callee, media } = plan;
    const pipes: Pipe[] = [];
    if (plan.signalBytes.length > 0) pipes.push(await exchangeSignals(world, plan, signal));
    const channels = await Promise.all(
      media.map(({ priority, operation }) =>
        Pipe.open(world.switchboard, caller, callee, { priority, reliable: false }, operation),
      ),
    );
    const startMs = performance.now();
    const senders = (['there', 'back'] as const).map((direction) => {
      const directions = channels.map((pipe, i): [PipeDirection, Medium] => [
        pipe[direction],
        media[i]!.medium,
      ]);
      return new MediaSender(directions, world.draws, startMs);
    });
    for (const sender of senders) world.pacer.add(sender);
    return new Call(world, [...pipes, ...channels], senders);
  }

  /** Both ends stop; what is under way arrives; the channels close. @returns packets sent and lost. */
  async hangUp(): Promise<{ packets: number; lost: number }> {
    for (const sender of this.#senders) this.#world.pacer.remove(sender);
    await Promise.all(this.#pipes.map((pipe) => pipe.close()));
    const sum = (of: (pipe: Pipe) => number): number =>
      this.#pipes.reduce((total, pipe) => total + of(pipe), 0);
    return { packets: sum((pipe) => pipe.sent), lost: sum((pipe) => pipe.lost) };
  }
}

/** Opens the signal channel and passes the frames of the set-up to and fro. */
async function exchangeSignals(world: CallWorld, plan: CallPlan, operation: Operation): Promise<Pipe> {
  const { caller, callee, signalBytes } = plan;
  let arrived = 0;
  let finish: () => void;
  const finished = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const kind = { priority: 'signal', reliable: true } as const;
  const pipe: Pipe = await Pipe.open(world.switchboard, caller, callee, kind, operation, (direction) => {
    const next = signalBytes[++arrived];
    if (next === undefined) finish();
    else (direction === pipe.there ? pipe.back : pipe.there).send(next, performance.now());
  });
  pipe.there.send(signalBytes[0]!, performance.now());
  await within(SIGNAL_DEADLINE_MS, 'lost', 'The end of a call set-up', finished);
  return pipe;
}
