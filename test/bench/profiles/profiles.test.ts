import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { checkPhase, checkPlan } from '../../../bench/load/plan-check.ts';
import { PROFILES } from '../../../bench/profiles/index.ts';
import { PROFILE_NAMES } from '../../../bench/profiles/profile.ts';
import { closedStep, meanBytes, openStep, searchStep } from '../../../bench/run/load-steps.ts';
import { METRICS } from '../../../bench/run/metrics.ts';

const DURATIONS = {
  warmupMs: 1,
  measureMs: 20,
  scenarioMs: 20,
  calibrationMs: 100,
  probeMs: 20,
  probes: 1,
  microMs: 20,
};
const ADDRESS = { dialect: 'supernode', address: 'ws://127.0.0.1:1' } as const;

describe.each(PROFILE_NAMES)('profile %s', (name) => {
  const profile = PROFILES[name];

  it('has its name, and cites a source or says that it has none', () => {
    expect(profile.name).toBe(name);
    const text = readFileSync(new URL(`../../../bench/profiles/${name}.ts`, import.meta.url), 'utf8');
    expect(text.startsWith('/**')).toBe(true);
    if (name !== 'saturate') expect(text.slice(0, text.indexOf('*/'))).toMatch(/\(.*20\d\d\)|20\d\d/s);
  });

  it.each([100, 250])('is a load that a load process takes, with %d peers', (peers) => {
    if (profile.kind === 'scenario') {
      expect(profile.crowd(peers)).toMatchObject({ kind: name, peers });
      return;
    }
    const { shape, flows } = profile;
    checkPlan({ ...ADDRESS, peers, shape, flows });
    const steps =
      profile.kind === 'open'
        ? [openStep(profile, peers, DURATIONS, 'profile')]
        : profile.messages.map((messages) => closedStep(profile, peers, messages, DURATIONS, 'profile'));
    for (const { work } of steps) if (work.kind === 'phase') checkPhase(work.phase);
    expect(steps[0]!.benchmark.parameters).toMatchObject({ peers, payloadBytes: meanBytes(flows[0]!.sizes) });
  });

  it('gives the figures of its first metric a name and a unit', () => {
    const lists =
      profile.kind === 'scenario' ? profile.steps.map(({ metrics }) => metrics) : [profile.metrics];
    for (const metrics of lists) {
      expect(new Set(metrics).size).toBe(metrics.length);
      expect(METRICS[metrics[0]!].better).not.toBe('none');
    }
  });
});

describe('the figures that are cited', () => {
  it('voice: 50 packets of 160 bytes a second', () => {
    expect(PROFILES.voice).toMatchObject({ flows: [{ ratePerSec: 50, sizes: { bytes: 160 } }] });
  });

  it('video: 193 kbit/s in packets of 350 to 500 bytes', () => {
    const { video } = PROFILES;
    if (video.kind !== 'open') throw new Error('Video is an open loop.');
    const [{ ratePerSec, sizes }] = video.flows as [(typeof video.flows)[number]];
    expect(ratePerSec * meanBytes(sizes) * 8).toBeCloseTo(193_000);
    expect('oneOf' in sizes && [Math.min(...sizes.oneOf), Math.max(...sizes.oneOf)]).toEqual([350, 500]);
  });

  it('message: 200 bytes in the middle, 1 KB at 95%, reliable', () => {
    const { message } = PROFILES;
    if (message.kind !== 'open') throw new Error('Messages are an open loop.');
    const [{ sizes, reliable }] = message.flows as [(typeof message.flows)[number]];
    const bytes = 'oneOf' in sizes ? sizes.oneOf.toSorted((a, b) => a - b) : [];
    expect(bytes[bytes.length >> 1]).toBe(200);
    expect(bytes[Math.floor(bytes.length * 0.95)]).toBe(1_000);
    expect(reliable).toBe(true);
  });

  it('saturate: 6,400 packets under way, however many peers', () => {
    const { saturate } = PROFILES;
    if (saturate.kind !== 'closed') throw new Error('Saturate is a closed loop.');
    const windows = [100, 1_000, 10_000].map(
      (peers) => closedStep(saturate, peers, 'single', DURATIONS, 'profile').benchmark.parameters['window'],
    );
    expect(windows).toEqual([64, 6, 1]);
  });
});

describe('a search', () => {
  it('begins at the same rate for every size', () => {
    const { voice } = PROFILES;
    if (voice.kind === 'scenario') throw new Error('Voice is a load.');
    for (const peers of [100, 1_000]) {
      const { work } = searchStep(voice, peers, DURATIONS, 10);
      expect(work).toMatchObject({ kind: 'search', ratePerSec: peers * 50, fromPerSec: 20_000 });
    }
  });
});
