/** Reads what Linux says about itself in texts. Pure, so that other systems' texts can be tried. */

/** `PRETTY_NAME` of /etc/os-release, or `NAME` and `VERSION_ID`; null when it has neither. */
export function distributionOf(osRelease: string): string | null {
  const fields = new Map<string, string>();
  for (const line of osRelease.split('\n')) {
    const [, key, value] = /^\s*([A-Z0-9_]+)=(.*?)\s*$/.exec(line) ?? [];
    if (key && value !== undefined) fields.set(key, unquoted(value));
  }
  const named = [fields.get('NAME'), fields.get('VERSION_ID')].filter(Boolean).join(' ');
  return fields.get('PRETTY_NAME') || named || null;
}

/** Shell quoting, as os-release(5) has it. */
function unquoted(value: string): string {
  const quote = value[0];
  if (quote !== '"' && quote !== "'") return value;
  const inner = value.at(-1) === quote && value.length > 1 ? value.slice(1, -1) : value.slice(1);
  return quote === '"' ? inner.replace(/\\(["\\$`])/g, '$1') : inner;
}

/** Core numbers of a list such as `0-3,8`. Null when it is none. */
export function coresOf(list: string): number[] | null {
  const cores: number[] = [];
  for (const range of list.trim().split(',')) {
    const [, first, last = first] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(range) ?? [];
    if (first === undefined) return null;
    for (let core = Number(first); core <= Number(last); core++) cores.push(core);
  }
  return cores;
}

/** `Cpus_allowed_list` of /proc/<process>/status. */
export function allowedCoresOf(status: string): number[] | null {
  const list = /^Cpus_allowed_list:\s*(\S+)/m.exec(status)?.[1];
  return list === undefined ? null : coresOf(list);
}

/** `cpu MHz` of the first core in /proc/cpuinfo. Null where it does not say, as on ARM. */
export function megahertzOf(cpuinfo: string): number | null {
  const said = Number(/^cpu MHz\s*:\s*([\d.]+)/m.exec(cpuinfo)?.[1] ?? 0);
  return said > 0 ? said : null;
}

/** Whether /proc/cpuinfo has the flag that a hypervisor sets. Null where it lists no x86 flags, as on ARM. */
export function saysHypervisor(cpuinfo: string): boolean | null {
  const flags = /^flags\s*:(.*)$/m.exec(cpuinfo)?.[1];
  return flags === undefined ? null : flags.split(/\s+/).includes('hypervisor');
}

/** Words in /sys/class/dmi/id, in lower case, that give a hypervisor away. Names as systemd-detect-virt(1) has them. */
const HYPERVISORS: readonly [word: string, name: string][] = [
  ['kvm', 'kvm'],
  ['openstack', 'kvm'],
  ['amazon ec2', 'amazon'],
  ['google', 'google'],
  ['qemu', 'qemu'],
  ['vmware', 'vmware'],
  ['virtualbox', 'oracle'],
  ['innotek', 'oracle'],
  ['microsoft corporation virtual machine', 'microsoft'],
  ['xen', 'xen'],
  ['bochs', 'bochs'],
  ['parallels', 'parallels'],
  ['bhyve', 'bhyve'],
];

/**
 * @param hypervisor of saysHypervisor. @param dmi vendor and product of the machine, '' when they cannot be read.
 * @returns a name, `unknown` for a hypervisor without one, `none`, or null when nothing tells.
 */
export function virtualMachineOf(hypervisor: boolean | null, dmi: string): string | null {
  const words = dmi.toLowerCase();
  const found = HYPERVISORS.find(([word]) => words.includes(word))?.[1];
  // EC2 sells bare metal under the same vendor: the flag decides where there is one.
  if (hypervisor === false) return 'none';
  if (hypervisor === true) return found ?? 'unknown';
  return found ?? null;
}

const CONTAINERS: readonly [pattern: RegExp, name: string][] = [
  [/kubepods/, 'kubernetes'],
  [/docker/, 'docker'],
  [/libpod/, 'podman'],
  [/\/lxc|lxc\.payload/, 'lxc'],
  [/containerd/, 'containerd'],
  [/machine\.slice\/machine-/, 'systemd-nspawn'],
];

/** The container that a /proc/<process>/cgroup names, if any: version 2 often shows only `0::/`, so none is no proof. */
export function containerOf(cgroup: string): string | null {
  return CONTAINERS.find(([pattern]) => pattern.test(cgroup))?.[1] ?? null;
}
