/** What a figure depends on besides the code: it goes with every result. What cannot be read is null, never an error. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { arch, cpus, platform, release, totalmem } from 'node:os';
import type { Fingerprint, Warning } from '../reporter/result.ts';
import {
  allowedCoresOf,
  containerOf,
  distributionOf,
  megahertzOf,
  saysHypervisor,
  virtualMachineOf,
} from './read-system.ts';
import { checkout, versions } from './versions.ts';

export interface UsedCores {
  /** Cores that the measured systems are pinned to; null: not pinned. */
  relayCores: readonly number[] | null;
  loadCores: readonly number[] | null;
}

const DETECT_DEADLINE_MS = 5_000;

export function fingerprint({ relayCores, loadCores }: UsedCores): Fingerprint {
  const processors = cpus();
  const [processor] = processors;
  const tree = checkout();
  return {
    cpu: {
      model: processor?.model.trim() || 'unknown',
      logicalCores: processors.length,
      // Node says 0 where there is no frequency scaling, as in many virtual machines.
      mhz: processor?.speed || megahertzOf(text('/proc/cpuinfo') ?? ''),
      governor:
        text(`/sys/devices/system/cpu/cpu${relayCores?.[0] ?? 0}/cpufreq/scaling_governor`)?.trim() || null,
    },
    cores: {
      allowed: allowedCoresOf(text('/proc/self/status') ?? ''),
      relay: relayCores ? [...relayCores] : null,
      load: loadCores ? [...loadCores] : null,
    },
    memoryBytes: totalmem(),
    os: {
      platform: platform(),
      arch: arch(),
      kernel: release(),
      distribution: distributionOf(text('/etc/os-release') ?? text('/usr/lib/os-release') ?? ''),
    },
    virtualMachine: virtualMachine(),
    container: container(),
    versions: versions(),
    commit: tree?.commit ?? null,
    dirty: tree?.dirty ?? null,
  };
}

/** What about the machine makes the figures less than they could be, with what to do about it. */
export function machineWarnings({ cpu, cores, dirty }: Fingerprint): Warning[] {
  const warnings: Warning[] = [];
  const warn = (code: Warning['code'], sentence: string): void => {
    warnings.push({ code, case: null, text: sentence });
  };
  if (cores.relay === null) {
    warn(
      'not-pinned',
      'The relay and the load were not pinned to cores, so they took processor time from each other: run on Linux with taskset (package util-linux) and two cores or more.',
    );
  } else if (cores.load === null || cores.relay.some((core) => cores.load!.includes(core))) {
    warn(
      'not-pinned',
      `The load ran on the relay's core (${cores.relay.join(', ')}) too: give it cores of its own.`,
    );
  }
  if (cpu.governor !== null && cpu.governor !== 'performance') {
    warn(
      'frequency-scaling',
      `The governor of the relay's core is "${cpu.governor}", so its frequency follows the load: set it to performance (cpupower frequency-set -g performance).`,
    );
  }
  if (dirty) {
    warn(
      'dirty-tree',
      'Files were changed since the commit that this result names: commit them and run again.',
    );
  }
  return warnings;
}

function virtualMachine(): string | null {
  if (process.platform !== 'linux') return null;
  const detected = detect('--vm');
  if (detected !== null) return detected;
  const dmi = ['sys_vendor', 'product_name'].map((name) => text(`/sys/class/dmi/id/${name}`)?.trim() ?? '');
  return virtualMachineOf(saysHypervisor(text('/proc/cpuinfo') ?? ''), dmi.join(' '));
}

function container(): string | null {
  if (process.platform !== 'linux') return null;
  if (existsSync('/.dockerenv')) return 'docker';
  if (existsSync('/run/.containerenv')) return 'podman';
  return containerOf(text('/proc/1/cgroup') ?? '') ?? detect('--container') ?? 'none';
}

/** systemd-detect-virt(1), which knows more than we do; null where there is none. It fails when it answers `none`. */
function detect(what: '--vm' | '--container'): string | null {
  const { stdout } = spawnSync('systemd-detect-virt', [what], {
    encoding: 'utf8',
    timeout: DETECT_DEADLINE_MS,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  return /^[a-z0-9-]+$/.exec(stdout?.trim() ?? '')?.[0] ?? null;
}

function text(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return null;
  }
}
