import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  packChanges,
  packProofAnswers,
  packProofs,
  packVerdicts,
  unpackChanges,
  unpackProofAnswers,
  unpackProofs,
  unpackVerdicts,
} from '../../core/threads/login-posts.ts';
import type { LoginProof, PresenceChange, ProofAnswer, Verdict } from '../../core/threads/messages.ts';

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const u31 = fc.integer({ min: 0, max: 0x7fff_ffff });
const text = fc.oneof(fc.constantFrom('', 'supernode-js/1.0.0', 'other/2'), fc.string({ unit: 'binary' }));
const place = { slot: u31, generation: u31 };

const proof: fc.Arbitrary<LoginProof> = fc.oneof(
  fc.record({
    ...{ ...place, peer: bytes(32), nonce: bytes(32), signature: bytes(64), client: text, ip: text },
    resumed: fc.constant(false),
  }),
  fc.record({
    ...{ ...place, peer: bytes(32), nonce: bytes(0), signature: bytes(0), client: text, ip: text },
    resumed: fc.constant(true),
  }),
);
const arrival = fc.record({
  plain: fc.boolean(),
  version: fc.integer({ min: -0x8000_0000, max: 0x7fff_ffff }),
});
const answer: fc.Arbitrary<ProofAnswer> = fc.oneof(
  fc.constant({ ok: false, arrival: null }),
  fc.record({ ok: fc.constant(true), arrival: fc.option(arrival) }),
);
const rate = fc.record({ bytesPerSec: u31, framesPerSec: u31 });
const grant = fc.record({ account: u31, budget: fc.option(fc.record({ in: rate, out: rate })) });
const verdict = fc.oneof(
  fc.record(
    { ...place, refusal: fc.constant(null), arrival, granted: grant },
    { requiredKeys: ['slot', 'generation', 'refusal'] },
  ),
  fc.record({
    ...place,
    refusal: fc.record(
      {
        code: fc.constantFrom('busy', 'bad-proof', 'denied', 'tenant-full'),
        message: text,
        retryAfterMs: fc.integer({ min: 0, max: 0xffff_fffe }),
        why: fc.constantFrom('version-delayed', 'verify-failed'),
      },
      { requiredKeys: ['code', 'message'] },
    ),
  }),
) as fc.Arbitrary<Verdict>;
const change: fc.Arbitrary<PresenceChange> = fc.oneof(
  fc.record({ peer: bytes(32), came: fc.record({ client: text, resumed: fc.boolean() }) }),
  fc.record({
    peer: bytes(32),
    came: fc.constant(null),
    client: text,
    reason: fc.constantFrom('left' as const, 'lost' as const, 'replaced' as const),
    plain: fc.boolean(),
  }),
  fc.record({ peer: bytes(32), away: fc.boolean() }),
);

/** What comes out at the other thread is what went in, and one that is posted on is not changed by it. */
function comesThrough<T, P>(
  one: fc.Arbitrary<T>,
  pack: (all: readonly T[]) => P,
  unpack: (packed: P) => T[],
) {
  fc.assert(
    fc.property(fc.array(one, { maxLength: 80 }), (all) => {
      const came = unpack(structuredClone(pack(all)));
      expect(came).toEqual(all);
      expect(unpack(structuredClone(pack(came)))).toEqual(all);
    }),
  );
}

test('proofs come through', () => comesThrough(proof, packProofs, unpackProofs));
test('their answers come through', () => comesThrough(answer, packProofAnswers, unpackProofAnswers));
test('verdicts come through', () => comesThrough(verdict, packVerdicts, unpackVerdicts));
test('who came and left comes through', () => comesThrough(change, packChanges, unpackChanges));

test('however many are told the same, it is posted once', () => {
  const refusal = { code: 'busy' as const, message: 'Come back in your turn.' };
  const verdicts = Array.from({ length: 1_000 }, (_, slot) => ({
    slot,
    generation: 1,
    refusal: { ...refusal, retryAfterMs: slot },
  }));
  expect(packVerdicts(verdicts).refusals).toEqual([refusal]);
});
