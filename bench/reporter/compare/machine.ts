import type { Fingerprint } from '../result.ts';

function text(value: unknown): string {
  if (value === null) return 'unknown';
  if (Array.isArray(value)) return value.join(',');
  return typeof value === 'boolean' ? (value ? 'yes' : 'no') : String(value);
}

/** What makes a kind of machine: two of one kind are compared as one machine at two times. */
function hardware({
  cpu,
  cores,
  memoryBytes,
  os,
  virtualMachine,
  container,
}: Fingerprint): [string, string][] {
  return [
    ['processor', text(cpu.model)],
    ['cores', text(cpu.logicalCores)],
    ['governor', text(cpu.governor)],
    ['cores of the relay', text(cores.relay)],
    ['cores of the load', text(cores.load)],
    ['memory', `${(memoryBytes / 2 ** 30).toFixed(0)} GiB`],
    ['system', `${os.platform} ${os.arch}`],
    ['virtual machine', text(virtualMachine)],
    ['container', text(container)],
  ];
}

function software({ os, versions, commit, dirty }: Fingerprint): [string, string][] {
  return [
    ['kernel', os.kernel],
    ['distribution', text(os.distribution)],
    ...Object.entries(versions),
    ['commit', text(commit)],
    ['changed files', text(dirty)],
  ];
}

export function sameMachine(a: Fingerprint, b: Fingerprint): boolean {
  const others = hardware(b);
  return hardware(a).every(([, value], index) => others[index]![1] === value);
}

/** A sentence for each line of the fingerprint that differs. */
export function fingerprintDifferences(
  sides: readonly { label: string; fingerprint: Fingerprint }[],
): string[] {
  const lines = sides.map(({ fingerprint }) => [...hardware(fingerprint), ...software(fingerprint)]);
  return (lines[0] ?? []).flatMap(([name], index) => {
    const values = lines.map((line) => line[index]![1]);
    if (new Set(values).size === 1) return [];
    return `${name}: ${sides.map(({ label }, side) => `${label} ${values[side]}`).join(', ')}`;
  });
}
