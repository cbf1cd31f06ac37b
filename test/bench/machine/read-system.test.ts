import { describe, expect, test } from 'vitest';
import {
  allowedCoresOf,
  containerOf,
  coresOf,
  distributionOf,
  megahertzOf,
  saysHypervisor,
  virtualMachineOf,
} from '../../../bench/machine/read-system.ts';

describe('a distribution', () => {
  test.each([
    [
      'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nNAME="Debian GNU/Linux"\n',
      'Debian GNU/Linux 12 (bookworm)',
    ],
    ["NAME='Arch Linux'\n", 'Arch Linux'],
    ['# a remark\nNAME=Alpine\nVERSION_ID=3.20.1', 'Alpine 3.20.1'],
    ['PRETTY_NAME=""\nNAME=Void\n', 'Void'],
    ['PRETTY_NAME="A \\"quoted\\" \\$name"', 'A "quoted" $name'],
    ['PRETTY_NAME="', null],
    ['', null],
  ])('is read from os-release %j', (text, expected) => {
    expect(distributionOf(text)).toBe(expected);
  });
});

describe('a list of cores', () => {
  test.each([
    ['0', [0]],
    ['0-1', [0, 1]],
    ['0-2,8,10-11\n', [0, 1, 2, 8, 10, 11]],
    ['', null],
    ['all', null],
    ['1-', null],
    ['999999', null],
  ])('%j is %j', (text, expected) => {
    expect(coresOf(text)).toEqual(expected);
  });

  test('is found in the status of a process', () => {
    expect(allowedCoresOf('Name:\tnode\nCpus_allowed:\t5\nCpus_allowed_list:\t0,2\nMems:\t1\n')).toEqual([
      0, 2,
    ]);
    expect(allowedCoresOf('Name:\tnode\n')).toBe(null);
  });
});

describe('/proc/cpuinfo', () => {
  test('says whether there is a hypervisor, where it has flags', () => {
    expect(saysHypervisor('flags\t\t: fpu vme hypervisor lahf_lm\n')).toBe(true);
    expect(saysHypervisor('flags\t\t: fpu vme lahf_lm\nbugs\t: hypervisor\n')).toBe(false);
    expect(saysHypervisor('Features\t: fp asimd evtstrm\n')).toBe(null);
  });

  test('says a frequency, or does not', () => {
    expect(megahertzOf('model name\t: x\ncpu MHz\t\t: 2300.125\ncpu MHz\t\t: 9\n')).toBe(2300.125);
    expect(megahertzOf('cpu MHz\t\t: 0.000\n')).toBe(null);
    expect(megahertzOf('BogoMIPS\t: 50\n')).toBe(null);
  });
});

describe('a virtual machine', () => {
  test.each([
    [true, 'QEMU Standard PC (Q35 + ICH9, 2009)', 'qemu'],
    [true, 'Amazon EC2 c7g.large', 'amazon'],
    [true, 'VMware, Inc. VMware Virtual Platform', 'vmware'],
    [true, 'Microsoft Corporation Virtual Machine', 'microsoft'],
    [true, '', 'unknown'],
    [false, 'Amazon EC2 c7i.metal-24xl', 'none'],
    [false, 'Dell Inc. PowerEdge R650', 'none'],
    [null, 'QEMU KVM Virtual Machine', 'kvm'],
    [null, 'Raspberry Pi 5', null],
  ])('flag %j and "%s" make it %j', (flag, dmi, expected) => {
    expect(virtualMachineOf(flag, dmi)).toBe(expected);
  });
});

describe('a container', () => {
  test.each([
    ['0::/\n', null],
    ['0::/init.scope\n', null],
    ['12:cpu:/docker/0123abcd\n0::/docker/0123abcd\n', 'docker'],
    ['0::/kubepods.slice/kubepods-pod1.slice/docker-12.scope\n', 'kubernetes'],
    ['0::/machine.slice/libpod-12.scope\n', 'podman'],
    ['0::/lxc.payload.web\n', 'lxc'],
    ['0::/system.slice/containerd.service/x\n', 'containerd'],
    ['0::/machine.slice/machine-web.scope\n', 'systemd-nspawn'],
  ])('cgroup %j is %j', (text, expected) => {
    expect(containerOf(text)).toBe(expected);
  });
});
