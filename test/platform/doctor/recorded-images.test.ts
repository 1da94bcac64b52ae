import assert from 'node:assert/strict';
import { examine } from '../../../src/platform/doctor/examine';
import { type RecordedMachine, recordedMachine } from '../recorded-machine';

interface Verdict {
  /** Whether captions on the NPU are possible. */
  readonly npu: boolean;
  readonly check: string;
  readonly state: 'ok' | 'info' | 'warn' | 'bad';
  readonly value: RegExp;
  readonly advice?: readonly RegExp[];
}

const verdicts: Partial<Record<RecordedMachine, Verdict>> = {
  'card-without-render-node': { npu: true, check: 'npu-devices', state: 'ok', value: /^\/dev\/dri\/card1$/ },
  'group-video-only': { npu: true, check: 'npu-devices', state: 'ok', value: /^\/dev\/dri\/card1$/ },
  'group-render-only': {
    npu: false,
    check: 'npu-devices',
    state: 'bad',
    value: /card1 \(0660, group video\) cannot be opened: EACCES/,
    advice: [/usermod -aG video,render USER/],
  },
  'docker-card-only': { npu: true, check: 'npu-devices', state: 'ok', value: /^\/dev\/dri\/card1$/ },
  'docker-render-node-only': {
    npu: false,
    check: 'npu-devices',
    state: 'bad',
    value: /card1 is not in this container; \/dev\/dri\/renderD129 alone is not enough/,
    advice: [/--device \/dev\/dri\/card1/, /--device \/dev\/dri\/renderD129/],
  },
  'lxc-no-cgroup-allow': {
    npu: false,
    check: 'npu-devices',
    state: 'bad',
    value: /renderD129 \(0660, group render\) cannot be opened: EPERM/,
    advice: [/lxc\.cgroup2\.devices\.allow = c 226:\* rwm/, /lxc\.mount\.entry = \/dev\/dri dev\/dri/],
  },
  'lxc-nodes-blocked': {
    npu: false,
    check: 'npu-devices',
    state: 'bad',
    value: /card1 \(0660, group video\) cannot be opened: EPERM/,
    advice: [
      /lxc\.cgroup2\.devices\.allow = c 226:1 rwm; lxc\.mount\.entry = \/dev\/dri\/card1 dev\/dri\/card1 none/,
      /c 226:129 rwm/,
    ],
  },
  'lxc-unmapped-group': {
    npu: false,
    check: 'npu-devices',
    state: 'bad',
    value: /card1 \(0660, group 65534\) cannot be opened: EACCES/,
    advice: [/lxc\.idmap/, /dev0: \/dev\/dri\/card1,gid=/],
  },
  'frigate-on-card1': {
    npu: true,
    check: 'npu-users',
    state: 'warn',
    value: /process 640 \(frigate\.detector:rknn\)$/,
  },
  'armbian-vendor': { npu: true, check: 'npu-devices', state: 'ok', value: /^\/dev\/dri\/card0$/ },
  'ubuntu-rockchip': { npu: true, check: 'npu-devices', state: 'ok', value: /^\/dev\/dri\/card1$/ },
  'debian-13-rocket': {
    npu: false,
    check: 'npu-driver',
    state: 'bad',
    value: /^rocket/,
    advice: [/Boot a vendor kernel/],
  },
  talos: {
    npu: false,
    check: 'npu-driver',
    state: 'bad',
    value: /^none in the kernel of Talos Linux/,
    advice: [/caption on the CPU/, /run the engine on a machine with a vendor kernel/],
  },
  'haos-rk3588': {
    npu: false,
    check: 'npu-driver',
    state: 'bad',
    value: /^none$/,
    advice: [/Home Assistant OS has no driver/, /run the engine on another machine/],
  },
  'podman-selinux': {
    npu: false,
    check: 'npu-devices',
    state: 'bad',
    value: /card1 \(0666, group video\) cannot be opened: EACCES/,
    advice: [/security module of the host/, /label=disable for SELinux/],
  },
  'snap-node-red': {
    npu: false,
    check: 'npu-devices',
    state: 'bad',
    value: /card1 .* cannot be opened: EACCES/,
    advice: [/^The snap node-red has no access/, /install Node-RED without snap/],
  },
  'librknnrt-truncated': {
    npu: false,
    check: 'rknn-runtime',
    state: 'bad',
    value: /librknnrt\.so: it is cut short: 1048576 of 7259968 bytes/,
    advice: [/Put the vendor’s library/],
  },
  'librknnrt-32-bit': {
    npu: false,
    check: 'rknn-runtime',
    state: 'bad',
    value: /it is for another processor; this one is arm64/,
    advice: [/library for aarch64/],
  },
  'node-32-bit': {
    npu: false,
    check: 'node',
    state: 'bad',
    value: /for 32 bits \(arm\)/,
    advice: [/install a 64-bit system/],
  },
  'proc-hidepid': {
    npu: true,
    check: 'npu-users',
    state: 'info',
    value: /^no process of this user; those of other users are hidden/,
    advice: [/as root/],
  },
  'systemd-private-devices': {
    npu: false,
    check: 'npu-devices',
    state: 'bad',
    value: /card1 does not exist/,
    advice: [/PrivateDevices=no in its systemd unit/],
  },
  'sys-hidden': {
    npu: true,
    check: 'npu-driver',
    state: 'warn',
    value: /^not known: \/sys/,
    advice: [/Mount \/sys/],
  },
  'drm-links-missing': {
    npu: true,
    check: 'npu-devices',
    state: 'warn',
    value: /card0, \/dev\/dri\/card1: \/sys does not show whether one of them is the NPU’s/,
    advice: [/mount all of \/sys/],
  },
  'home-assistant-app-npu': {
    npu: true,
    check: 'container',
    state: 'info',
    value: /^Home Assistant app$/,
  },
  'frigate-and-rkllm': {
    npu: true,
    check: 'npu-users',
    state: 'warn',
    value: /process 700 \(frigate\.detector:rknn\), process 701 \(python3 server\.py\)/,
    advice: [/language model server/, /stop one of them/],
  },
  'ubuntu-without-driver': {
    npu: false,
    check: 'npu-driver',
    state: 'bad',
    value: /^none in this kernel/,
    advice: [/Boot a vendor kernel/],
  },
};

describe('doctor on recorded board images and containers', () => {
  for (const [name, verdict] of Object.entries(verdicts)) {
    const { npu, check: id, state, value, advice = [] } = verdict;
    it(`gives the verdict and the advice for ${name}`, () => {
      const { can, checks } = examine(recordedMachine(name as RecordedMachine));
      const check = checks.find((each) => each.id === id);
      assert.ok(check);
      assert.deepEqual([can.captionOnNpu, check.state], [npu, state]);
      assert.match(check.value, value);
      if (advice.length === 0 && state === 'info') assert.equal(check.advice, undefined);
      for (const part of advice) assert.match(check.advice ?? '', part);
      // Nothing that works is called broken.
      if (npu)
        assert.deepEqual(
          checks.filter((each) => each.state === 'bad'),
          [],
        );
    });
  }
});
