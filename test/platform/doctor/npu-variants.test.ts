import assert from 'node:assert/strict';
import { useTempFolder } from '../../temp-folder';
import { container, type Edit, editedBoard, mounts, process, refuse, swapped, without } from './edited-board';

describe('doctor on variants of a board', () => {
  const temp = useTempFolder();

  const board = (...edits: readonly Edit[]) => editedBoard(temp(), ...edits);

  it('finds the card whatever its number', () => {
    const { devices, can } = board(swapped);
    assert.deepEqual([devices.state, devices.value, can.captionOnNpu], ['ok', '/dev/dri/card0', true]);
    assert.match(board(swapped, refuse('EACCES', '/dev/dri/card0')).devices.value, /card0 .* EACCES/);
  });

  it('finds it by the driver’s link, or udev’s link, where the uevent cannot be read', () => {
    const noUevent: Edit = ({ files }) => {
      delete files['/sys/class/drm/card1/device/uevent'];
      delete files['/sys/class/drm/renderD129/device/uevent'];
    };
    const driverLink: Edit = ({ links, files }) => {
      links['/sys/class/drm/card1/device/driver'] = '../../../bus/platform/drivers/RKNPU';
      files['/sys/bus/platform/drivers/RKNPU/bind'] = '';
      files['/sys/class/bus/platform/drivers/RKNPU/bind'] = '';
    };
    const byPath: Edit = ({ links }) => {
      links['/dev/dri/by-path/platform-fdab0000.npu-card'] = '../card1';
      links['/dev/dri/by-path/platform-display-subsystem-card'] = '../card0';
    };
    assert.equal(board(noUevent, driverLink).devices.value, '/dev/dri/card1');
    assert.equal(board(noUevent, byPath).devices.value, '/dev/dri/card1');
  });

  it('asks nothing of the render node', () => {
    for (const edit of [
      refuse('EACCES', '/dev/dri/renderD129'),
      without('/dev/dri/renderD129'),
      refuse('EACCES', '/dev/dri/card0', '/dev/dri/renderD128', '/dev/dri/renderD129'),
    ]) {
      const { devices, can } = board(edit);
      assert.deepEqual([devices.state, can.captionOnNpu], ['ok', true], devices.value);
    }
  });

  const containers: readonly [string, Edit, RegExp][] = [
    ['Docker', container('/.dockerenv'), /--device \/dev\/dri\/card1 --device \/dev\/dri\/renderD129/],
    ['Docker by its control group', container('/proc/1/cgroup', '4:devices:/docker/0a1b'), /--device/],
    ['Podman', container('/run/.containerenv'), /--device \/dev\/dri\/card1/],
    ['Kubernetes', container('/var/run/secrets/kubernetes.io/token'), /hostPath volumes/],
    ['LXC', container('/run/systemd/container', 'lxc'), /lxc\.cgroup2\.devices\.allow = c 226:1 rwm/],
    [
      'another by systemd’s name',
      container('/run/systemd/container', 'systemd-nspawn'),
      /--device|the container/,
    ],
    [
      'Kubernetes by its control group',
      container('/proc/1/cgroup', '0::/kubepods.slice/kubepods-burstable.slice/x.scope'),
      /hostPath volumes/,
    ],
    [
      'Docker by its mounts',
      mounts(`1 2 8:1 /docker/containers/${'4f'.repeat(32)}/hosts /etc/hosts rw - ext4 /x rw`),
      /Start.*--device/,
    ],
    [
      'Podman by its mounts',
      mounts('1 2 0:9 /user/containers/overlay-containers/4f/userdata/hosts /etc/hosts rw - tmpfs x rw'),
      /--device/,
    ],
    [
      'Kubernetes by its mounts',
      mounts('1 2 8:1 /var/lib/kubelet/pods/4f/etc-hosts /etc/hosts rw - ext4 /x rw'),
      /hostPath/,
    ],
    [
      'LXC by its mounts',
      mounts('1 2 0:9 /proc/meminfo /proc/meminfo rw - fuse.lxcfs lxcfs rw'),
      /lxc\.cgroup2/,
    ],
    [
      'an unknown container',
      mounts(''),
      /Give the container \/dev\/dri\/card1 and \/dev\/dri\/renderD129 .*nerdctl/,
    ],
    ['LXC of Incus', container('/dev/incus/sock'), /lxc\.mount\.entry = \/dev\/dri\/card1/],
  ];
  for (const [name, edit, advice] of containers) {
    it(`says in ${name}’s words how to pass the nodes in, whether they are absent or blocked`, () => {
      const absent = board(edit, without('/dev/dri/card1', '/dev/dri/renderD129'));
      const blocked = board(edit, refuse('EPERM', '/dev/dri/card1', '/dev/dri/renderD129'));
      for (const { devices, can } of [absent, blocked]) {
        assert.deepEqual([devices.state, can.captionOnNpu], ['bad', false]);
        assert.match(devices.advice ?? '', advice);
      }
      assert.equal(board(edit).devices.state, 'ok');
      assert.equal(
        board(edit, without('/dev/dri/renderD129')).devices.state,
        'ok',
        'the card alone is enough',
      );
    });
  }

  it('names Frigate by the card, not by the nodes of the display and the video decoder', () => {
    const frigate = 'frigate.detector:rknn\0';
    assert.match(board(process(77, frigate, '/dev/dri/card1')).users.advice ?? '', /num_cores: 1/);
    const decoder = board(process(77, 'ffmpeg\0', '/dev/dri/renderD128', '/dev/dri/card0'));
    assert.equal(decoder.users.state, 'info');
    assert.equal(board(swapped, process(77, 'ffmpeg\0', '/dev/dri/renderD128')).users.state, 'warn');
  });

  it('names Frigate where only root could see what it has open', () => {
    const { users, can } = board(process(77, 'frigate.detector:rknn_0\0'), ({ denied, process: own }) => {
      denied.push('/proc/77/fd');
      own.uid = 1000;
    });
    assert.equal(users.state, 'warn');
    assert.match(users.value, /process 77 \(frigate\.detector:rknn_0, probably/);
    assert.ok(can.captionOnNpu);
  });

  it('names the security module where permissions allow what is refused', () => {
    const open: Edit = ({ devices }) => {
      Object.assign(devices['/dev/dri/card1'] ?? {}, { mode: '0666', gid: 0 });
    };
    assert.match(board(open, refuse('EACCES', '/dev/dri/card1')).devices.advice ?? '', /SELinux, AppArmor/);
    const root = board(refuse('EACCES', '/dev/dri/card1'), ({ process: own }) => {
      own.uid = 0;
    });
    assert.match(root.devices.advice ?? '', /Root is refused.*CAP_DAC_OVERRIDE/);
  });

  it('does not take a host that runs containers for one', () => {
    const host = mounts(
      `1 2 0:44 / /var/lib/docker/overlay2/4f/merged rw - overlay overlay rw
1 2 0:9 / /var/lib/lxcfs rw - fuse.lxcfs lxcfs rw
1 2 8:1 / /etc/hosts rw - ext4 /x rw`,
    );
    const { devices } = board(host, without('/dev/dri/card1', '/dev/dri/renderD129'), ({ links }) => {
      links['/proc/self/ns/pid'] = 'pid:[4026531836]';
    });
    assert.match(devices.advice ?? '', /Restart udev/);
  });

  it('names the open files where they are at their limit, not the driver', () => {
    const { devices } = board(refuse('EMFILE', '/dev/dri/card1'));
    assert.match(devices.advice ?? '', /^Not the device.*LimitNOFILE/);
    assert.match(board(refuse('ENFILE', '/dev/dri/card1')).devices.advice ?? '', /fs\.file-max/);
  });

  it('names the security module of the host before the group where root is refused in a container', () => {
    const root: Edit = ({ process: own }) => {
      own.uid = 0;
    };
    const inDocker = board(container('/.dockerenv'), refuse('EACCES', '/dev/dri/card1'), root).devices;
    assert.match(
      inDocker.advice ?? '',
      /^Root is refused: by a security module of the host .*apparmor=unconfined/,
    );
    assert.match(inDocker.advice ?? '', /CAP_DAC_OVERRIDE dropped.*--group-add 44 --group-add 105/);
    const inPod = board(
      container('/var/run/secrets/kubernetes.io/token'),
      refuse('EACCES', '/dev/dri/card1'),
      root,
    );
    assert.match(inPod.devices.advice ?? '', /appArmorProfile.*supplementalGroups: \[44, 105\]/);
    const app: Edit = ({ process: own }) => {
      Object.assign(own, { uid: 0, environment: { SUPERVISOR_TOKEN: 'set' } });
    };
    const inApp = board(refuse('EACCES', '/dev/dri/card1'), app).devices;
    assert.match(
      inApp.advice ?? '',
      /^This app has no access to it: run the engine in the SmolVLM app, .* or outside/,
    );
    const unmapped: Edit = ({ devices }) => {
      Object.assign(devices['/dev/dri/card1'] ?? {}, { gid: 65534 });
    };
    const rootless = board(
      container('/run/.containerenv'),
      unmapped,
      refuse('EACCES', '/dev/dri/card1'),
      root,
    );
    assert.match(rootless.devices.advice ?? '', /keep-groups/);
  });

  it('keeps the user’s groups in a rootless Podman container', () => {
    const unmapped: Edit = ({ devices }) => {
      Object.assign(devices['/dev/dri/card1'] ?? {}, { gid: 65534 });
    };
    const { devices } = board(container('/run/.containerenv'), unmapped, refuse('EACCES', '/dev/dri/card1'));
    assert.match(devices.advice ?? '', /--group-add keep-groups/);
  });

  it('finds the card beside the GPU’s, whatever their numbers', () => {
    const gpuFirst: Edit = ({ files, devices }) => {
      for (const [from, to] of [
        ['card1', 'card3'],
        ['renderD129', 'renderD131'],
      ] as const) {
        const at = (name: string) => `/sys/class/drm/${name}/device/uevent`;
        files[at(to)] = files[at(from)] ?? '';
        files[at(from)] = 'DRIVER=panthor';
        Object.assign(devices, { [`/dev/dri/${to}`]: { ...devices[`/dev/dri/${from}`] } });
      }
    };
    const { devices, can } = board(gpuFirst, refuse('EACCES', '/dev/dri/card1'));
    assert.deepEqual([devices.value, can.captionOnNpu], ['/dev/dri/card3', true]);
  });

  it('does not call a runtime fine that refuses every bundle of this package', () => {
    const path = '/usr/lib/librknnrt.so';
    const release =
      (version: string): Edit =>
      ({ files }) => {
        const text = [files[path] ?? []].flat().join('\n');
        files[path] = text.replace(/librknnrt version: [\d.]+/, `librknnrt version: ${version}`);
      };
    for (const old of ['1.5.2', '2.3.0']) assert.equal(board(release(old)).runtime.state, 'warn', old);
    for (const good of ['2.3.2', '2.5.0']) assert.equal(board(release(good)).runtime.state, 'ok', good);
    assert.equal(board(container(path, 'version https://git-lfs')).runtime.state, 'bad');
  });

  it('calls no driver broken that is not reported to be', () => {
    const release =
      (version: string): Edit =>
      ({ files }) => {
        files['/sys/module/rknpu/version'] = version;
        for (const path of ['/proc/rknpu/version', '/sys/kernel/debug/rknpu/version', '/dev/kmsg'])
          delete files[path];
      };
    for (const version of ['0.8.8', '0.9.0', '0.9.4', '0.9.5', '0.9.6', '0.9.7', '0.9.8', '1.0.0']) {
      assert.equal(board(release(version)).driver.state, 'ok', version);
    }
    assert.equal(board(release('0.9.3')).driver.state, 'warn');
    assert.ok(board(release('0.9.3')).can.captionOnNpu);
  });
});
