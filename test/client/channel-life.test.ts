/**
 * Two clients on a relay, told at random to send, end, read and close, against a plain model of what may have arrived:
 * what one end reads is a beginning of what the other sent, and all of it when nobody cut it short.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Channel } from '../../core/client/channel.ts';
import { MAX_PAYLOAD_BYTES } from '../../core/client/node.ts';
import { openPair } from './peers.ts';

type Step =
  | { end: 0 | 1; do: 'send'; bytes: number; times: number }
  | { end: 0 | 1; do: 'end' | 'close' | 'read' }
  | { end: 0 | 1; do: 'turn' };

const who = fc.constantFrom(0 as const, 1 as const);
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        end: who,
        do: fc.constant('send' as const),
        bytes: fc.integer({ min: 4, max: MAX_PAYLOAD_BYTES }),
        times: fc.integer({ min: 1, max: 12 }),
      }),
    },
    { weight: 3, arbitrary: fc.record({ end: who, do: fc.constant('turn' as const) }) },
    { weight: 2, arbitrary: fc.record({ end: who, do: fc.constantFrom('read' as const, 'end' as const) }) },
    { weight: 1, arbitrary: fc.record({ end: who, do: fc.constant('close' as const) }) },
  ),
  { maxLength: 25, size: 'max' },
);

class Party {
  readonly channel: Channel;
  sent = 0;
  ended = false;
  closed = false;
  readonly got: number[] = [];
  reading: Promise<void> | undefined;
  ending: Promise<'taken' | 'not taken'> | undefined;

  constructor(channel: Channel) {
    this.channel = channel;
  }

  send(bytes: number): void {
    if (this.ended || this.channel.readyState !== 'open') {
      expect(() => this.channel.send(new Uint8Array(4))).toThrow(
        expect.objectContaining({ code: 'not-open' }),
      );
      return;
    }
    const payload = new Uint8Array(bytes);
    new DataView(payload.buffer).setUint32(0, this.sent++);
    this.channel.send(payload);
  }

  end(): void {
    if (this.ended || this.channel.readyState !== 'open') return;
    this.ended = true;
    this.ending = this.channel.end().then(
      () => 'taken' as const,
      () => 'not taken' as const,
    );
  }

  read(): void {
    this.reading ??= (async () => {
      for await (const message of this.channel) {
        this.got.push(new DataView(message.buffer, message.byteOffset).getUint32(0));
      }
    })();
  }
}

describe('the life of a reliable channel', () => {
  it('loses, doubles and reorders nothing, whatever its ends do', async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (walk) => {
        const { near, far, caller, callee, relay } = await openPair({ reliable: true });
        const parties = [new Party(near), new Party(far)] as const;
        for (const step of walk) {
          const party = parties[step.end];
          if (step.do === 'send') for (let i = 0; i < step.times; i++) party.send(step.bytes);
          else if (step.do === 'end') party.end();
          else if (step.do === 'read') party.read();
          else if (step.do === 'turn') await new Promise((resolve) => setImmediate(resolve));
          else {
            party.closed = true;
            party.channel.close();
          }
        }
        const cut = parties.some(({ closed }) => closed);
        for (const party of parties) {
          party.read();
          party.end();
        }
        if (cut) await Promise.all([near.closed, far.closed]);
        await Promise.all(parties.map(({ reading }) => reading));
        const endings = await Promise.all(parties.map(({ ending }) => ending));
        for (const [i, { got, closed }] of parties.entries()) {
          const other = parties[i === 0 ? 1 : 0];
          expect(got).toEqual(Array.from({ length: got.length }, (_, n) => n));
          expect(got.length).toBeLessThanOrEqual(other.sent);
          // An end that did not close reads all that was sent before the other closed, or ended.
          if (!closed && (other.closed || !cut)) expect(got.length).toBe(other.sent);
          if (endings[i] === 'taken') expect(other.got.length).toBe(parties[i]!.sent);
          if (!cut) expect(endings[i]).toBe('taken');
        }
        await Promise.all([caller.close(), callee.close()]);
        await relay.close();
      }),
      { numRuns: 60 },
    );
  });
});
