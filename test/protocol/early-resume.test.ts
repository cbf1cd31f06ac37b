/** A resume in the request for the WebSocket: what clients write, and what a shard makes of that and of anything else. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type EarlyResume, earlyBytes, offerOf } from '../../core/protocol/early-resume.ts';
import { MAX_CLIENT_VERSION_BYTES, MAX_TICKET_BYTES } from '../../core/protocol/limits.ts';
import { SUBPROTOCOL } from '../../core/protocol/names.ts';
import { earlyResumeOf } from '../../workers/shard/early-offer.ts';

const bytesIn = (of: string): number => new TextEncoder().encode(of).length;
const early: fc.Arbitrary<EarlyResume> = fc.record({
  ticket: fc.uint8Array({ maxLength: MAX_TICKET_BYTES }),
  proof: fc.uint8Array({ minLength: 32, maxLength: 32 }),
  ageMs: fc.integer({ min: 0, max: 2 ** 48 - 1 }),
  client: fc
    .oneof(
      fc.constantFrom('supernode-js/0.1.0', '', '\ufeffx'),
      fc.string({ unit: 'grapheme', maxLength: 20 }),
    )
    .filter((text) => bytesIn(text) <= MAX_CLIENT_VERSION_BYTES),
});

/** Views and copies alike. */
const plain = (one: EarlyResume | null) => one && { ...one, ticket: [...one.ticket], proof: [...one.proof] };

describe('a resume in the request', () => {
  test('is read as it was written, by browsers and by Node, alone or among others', () => {
    fc.assert(
      fc.property(early, (one) => {
        const offer = offerOf(one);
        expect(offer[0]).toBe(SUBPROTOCOL);
        for (const header of [
          offer.join(', '),
          offer.join(','),
          ['other', ...offer].join(', '),
          [...offer, 'other'].join(','),
          [...offer].reverse().join(' , '),
        ]) {
          expect(plain(earlyResumeOf(header)), header).toEqual(plain(one));
        }
      }),
    );
  });

  test('is a token that any HTTP library takes (RFC 9110 §5.6.2)', () => {
    fc.assert(
      fc.property(early, (one) => {
        for (const name of offerOf(one)) expect(name).toMatch(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/);
      }),
    );
  });

  test('is none where there is none', () => {
    for (const header of [
      '',
      SUBPROTOCOL,
      `${SUBPROTOCOL}, other`,
      `${SUBPROTOCOL}, resume`,
      'resume',
      ',',
      ', ,',
    ]) {
      expect(earlyResumeOf(header), header).toBe(null);
    }
  });

  test('is refused when it is cut off, too long, or no base64url', () => {
    const one = { ticket: new Uint8Array(72).fill(7), proof: new Uint8Array(32), ageMs: 5, client: 'a/1' };
    const [, token] = offerOf(one) as [string, string];
    const headerOf = (text: string) => `${SUBPROTOCOL}, ${text}`;
    const least = earlyBytes({ ...one, ticket: new Uint8Array(0), client: '' }).length;
    for (let length = 0; length < token.length; length++) {
      const read = earlyResumeOf(headerOf(token.slice(0, length)));
      const whole = Math.floor(((length - 'resume.'.length) * 3) / 4);
      // What is left of the ticket is another one: no relay made it.
      if (whole >= least + one.client.length) expect(read!.ticket.length).toBe(whole - least - 3);
      else expect(read).toBe(null);
    }
    const huge = {
      ...one,
      ticket: new Uint8Array(MAX_TICKET_BYTES),
      client: 'x'.repeat(MAX_CLIENT_VERSION_BYTES),
    };
    expect(plain(earlyResumeOf(headerOf(offerOf(huge)[1]!)))).toEqual(plain(huge));
    expect(earlyResumeOf(headerOf(`${offerOf(huge)[1]}AAAA`))).toBe(null);
    const longVersion = earlyBytes(one);
    longVersion[38] = MAX_CLIENT_VERSION_BYTES + 1;
    expect(earlyResumeOf(headerOf(`resume.${Buffer.from(longVersion).toString('base64url')}`))).toBe(null);
    for (const bad of ['=', '!', '.', ' ', '\u00ff', '\n']) {
      expect(earlyResumeOf(headerOf(`${token.slice(0, 60)}${bad}${token.slice(61)}`)), bad).toBe(null);
    }
  });

  test('whatever the header is, nothing is thrown, and what is read has its bounds', () => {
    const header = fc.oneof(
      fc.string({ maxLength: 600 }),
      fc.string({ maxLength: 600 }).map((text) => `${SUBPROTOCOL}, resume.${text}`),
      fc
        .uint8Array({ maxLength: 500 })
        .map((bytes) => `${SUBPROTOCOL},resume.${Buffer.from(bytes).toString('base64url')}`),
    );
    fc.assert(
      fc.property(header, (text) => {
        const read = earlyResumeOf(text);
        if (read === null) return;
        expect(read.proof).toHaveLength(32);
        expect(read.ageMs).toBeLessThan(2 ** 48);
        expect(read.client.length).toBeLessThanOrEqual(MAX_CLIENT_VERSION_BYTES);
        expect(read.ticket.length).toBeLessThanOrEqual(MAX_TICKET_BYTES + MAX_CLIENT_VERSION_BYTES);
      }),
    );
  });

  test('what was read stays when the next one is', () => {
    const one = (fill: number): EarlyResume => ({
      ticket: new Uint8Array(72).fill(fill),
      proof: new Uint8Array(32).fill(fill),
      ageMs: fill,
      client: `c/${fill}`,
    });
    const first = earlyResumeOf(offerOf(one(1)).join(', '));
    for (let k = 2; k < 200; k++) earlyResumeOf(offerOf(one(k)).join(', '));
    expect(plain(first)).toEqual(plain(one(1)));
  });
});
