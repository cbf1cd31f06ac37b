import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import * as os from 'node:os';
import { join } from 'node:path';
import * as v from 'valibot';
import { afterEach, describe, expect, test } from 'vitest';
import { fingerprint, machineWarnings } from '../../../bench/machine/fingerprint.ts';
import { checkout } from '../../../bench/machine/versions.ts';
import { type Fingerprint, FingerprintSchema } from '../../../bench/reporter/result.ts';

const root = new URL('../../..', import.meta.url);
const ours = fingerprint({ relayCores: [0], loadCores: [1] });

describe('a fingerprint', () => {
  test('has the shape that goes into a result', () => {
    expect(v.parse(FingerprintSchema, ours)).toEqual(ours);
    expect(JSON.parse(JSON.stringify(ours))).toEqual(ours);
  });

  test('says what the operating system says', () => {
    expect(ours.cpu.model).toBe(os.cpus()[0]!.model.trim() || 'unknown');
    expect(ours.cpu.logicalCores).toBe(os.cpus().length);
    expect(ours.memoryBytes).toBe(os.totalmem());
    expect(ours.os).toMatchObject({ platform: os.platform(), arch: os.arch(), kernel: os.release() });
    expect(ours.cores).toMatchObject({ relay: [0], load: [1] });
    expect(fingerprint({ relayCores: null, loadCores: null }).cores).toMatchObject({
      relay: null,
      load: null,
    });
  });

  test.runIf(os.platform() === 'linux')('says which cores it may use', () => {
    const nproc = Number(execFileSync('nproc', { encoding: 'utf8', env: { PATH: process.env['PATH'] } }));
    expect(ours.cores.allowed?.length).toBe(nproc);
    expect(ours.container).not.toBe(null);
  });

  test('names the versions that are installed', () => {
    const version = (file: string): string =>
      (JSON.parse(readFileSync(new URL(file, root), 'utf8')) as { version: string }).version;
    const uws = createRequire(import.meta.url)('../../../node_modules/uWebSockets.js/package.json') as {
      name: string;
      version: string;
    };
    expect(ours.versions).toEqual({
      supernode: version('package.json'),
      node: process.versions.node,
      v8: process.versions.v8,
      uv: process.versions.uv,
      uWebSockets: `${uws.name}@${uws.version}`,
      msgpackr: version('node_modules/msgpackr/package.json'),
    });
  });
});

describe('a checkout', () => {
  const folders: string[] = [];
  afterEach(() => {
    for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
  });

  function repository() {
    const folder = mkdtempSync(join(os.tmpdir(), 'supernode-checkout-'));
    folders.push(folder);
    const git = (...args: string[]): string =>
      execFileSync('git', ['-C', folder, '-c', 'user.name=t', '-c', 'user.email=t@example.com', ...args], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      }).trim();
    git('init');
    writeFileSync(join(folder, 'file'), 'one');
    git('add', '.');
    git('commit', '-m', 'One', '--no-gpg-sign');
    return { folder, head: git('rev-parse', 'HEAD') };
  }

  test('has a commit, and is dirty once a file is changed or added', () => {
    const { folder, head } = repository();
    expect(checkout(folder)).toEqual({ commit: head, dirty: false });
    writeFileSync(join(folder, 'file'), 'two');
    expect(checkout(folder)).toEqual({ commit: head, dirty: true });
    writeFileSync(join(folder, 'file'), 'one');
    expect(checkout(folder)).toEqual({ commit: head, dirty: false });
    writeFileSync(join(folder, 'another'), '');
    expect(checkout(folder)).toEqual({ commit: head, dirty: true });
  });

  test('of another project, in which this one is installed, says nothing', () => {
    const { folder } = repository();
    const installed = join(folder, 'node_modules', 'supernode');
    mkdirSync(installed, { recursive: true });
    expect(checkout(installed)).toBe(null);
  });

  test('is none where there is no repository', () => {
    const folder = mkdtempSync(join(os.tmpdir(), 'supernode-plain-'));
    folders.push(folder);
    expect(checkout(folder)).toBe(null);
    expect(checkout(join(folder, 'absent'))).toBe(null);
  });
});

describe('warnings about a machine', () => {
  const good: Fingerprint = {
    ...ours,
    cpu: { ...ours.cpu, governor: 'performance' },
    cores: { allowed: [0, 1], relay: [0], load: [1] },
    dirty: false,
  };
  const codes = (changed: Partial<Fingerprint>): string[] =>
    machineWarnings({ ...good, ...changed }).map(({ code }) => code);

  test('are none for a pinned machine of fixed frequency and a clean checkout', () => {
    expect(machineWarnings(good)).toEqual([]);
    expect(codes({ cpu: { ...good.cpu, governor: null }, dirty: null })).toEqual([]);
  });

  test('name what is wrong', () => {
    expect(codes({ cores: { allowed: [0], relay: null, load: null } })).toEqual(['not-pinned']);
    expect(codes({ cores: { allowed: [0, 1], relay: [0], load: null } })).toEqual(['not-pinned']);
    expect(codes({ cores: { allowed: [0, 1], relay: [0, 1], load: [1] } })).toEqual(['not-pinned']);
    expect(codes({ cpu: { ...good.cpu, governor: 'powersave' } })).toEqual(['frequency-scaling']);
    expect(codes({ dirty: true })).toEqual(['dirty-tree']);
    const [warning] = machineWarnings({ ...good, cpu: { ...good.cpu, governor: 'ondemand' } });
    expect(warning?.text).toContain('"ondemand"');
  });
});
