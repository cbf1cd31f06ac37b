import { describe, expect, it } from 'vitest';
import { allowedSuccessors, NextUrls } from '../../core/client/next-urls.ts';
import { RelayError } from '../../core/client/relay-error.ts';
import { limit } from '../fixtures/limits.ts';

const gone = new RelayError('relay-unreachable', 'It is not there.');

describe('where a peer goes next', () => {
  it('is what the relay named, in its order, then the relay, then home, and around again', () => {
    const next = new NextUrls('ws://home');
    next.begin('ws://lost', ['ws://b', 'ws://a', 'ws://lost']);
    const tried: string[] = [];
    for (let i = 0; i < 5; i++) {
      tried.push(next.current);
      next.failed(gone);
    }
    expect(tried).toEqual(['ws://b', 'ws://a', 'ws://lost', 'ws://home', 'ws://b']);
  });

  it('is the same relay when that gave it a turn', () => {
    const next = new NextUrls('ws://home');
    next.begin('ws://lost', ['ws://a']);
    next.failed(new RelayError('busy', 'Later.', { retryAfterMs: 5 }));
    expect(next.current).toBe('ws://a');
    next.failed(new RelayError('relay-full', 'No room.', { retryAfterMs: 5 }));
    expect(next.current).toBe('ws://lost');
  });

  it('is what a relay names that is leaving too, before all else', () => {
    const next = new NextUrls('ws://home');
    next.begin('ws://lost', ['ws://a', 'ws://b']);
    expect(next.failed(new RelayError('drained', 'Closing.', { successors: ['ws://c', 'ws://b'] }))).toBe(
      true,
    );
    expect(next.current).toBe('ws://c');
    next.failed(gone);
    expect(next.current).toBe('ws://b');
  });

  it('stays bounded, and ends, when relays name each other for ever', () => {
    const next = new NextUrls('ws://home');
    const seen = new Set<string>();
    for (let i = 0; i < 1_000; i++) {
      seen.add(next.current);
      next.failed(new RelayError('drained', 'Closing.', { successors: [`ws://r${i % 40}`] }));
    }
    expect(seen.size).toBeLessThanOrEqual(41);
    expect(next.current).toMatch(/^ws:/);
    limit('relays tried after moving').sees();
  });

  it('is never without TLS for one that had it, nor anything but a relay', () => {
    const named = ['ws://a', 'wss://b', 'http://c', 'nonsense', 'wss://d/#e'];
    expect(allowedSuccessors('wss://lost', named)).toEqual(['wss://b']);
    expect(allowedSuccessors('ws://lost', named)).toEqual(['ws://a', 'wss://b']);
  });
});
