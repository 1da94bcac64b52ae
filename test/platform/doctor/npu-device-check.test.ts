import assert from 'node:assert/strict';
import type { Machine } from '../../../src/platform/machine';
import { judged } from './judged';

const noRender = { nodes: [], missing: [] };
const closed = { path: '/dev/dri/card1', mode: '0660', gid: 44, group: 'video' };

describe('doctor: NPU devices', () => {
  function devices(
    found: Omit<Machine['devices'], 'render'> & Partial<Machine['devices']>,
    container?: Machine['container'],
  ) {
    return judged('npu-devices', 'rk3588-vendor', { devices: { render: noRender, ...found }, container });
  }

  it('that the user may not open need a group: by name on the machine, by number in a container', () => {
    const found = { nodes: [{ ...closed, refused: 'EACCES' }], missing: [] };
    assert.match(devices(found).advice ?? '', /usermod -aG video USER/);
    assert.match(devices(found, 'docker').advice ?? '', /--group-add 44/);
    const { group: _, ...unnamed } = closed;
    const { value, advice } = devices({ nodes: [{ ...unnamed, refused: 'EACCES' }], missing: [] });
    assert.match(value, /\(0660, group 44\)/);
    assert.match(advice ?? '', /sudo groupadd -g 44 npu44, then sudo usermod -aG npu44 USER,/);
  });

  it('that the container blocks need --device', () => {
    const found = { nodes: [{ ...closed, refused: 'EPERM' }], missing: [] };
    assert.match(devices(found, 'docker').advice ?? '', /--device \/dev\/dri\/card1/);
    assert.match(devices(found).advice ?? '', /DeviceAllow/);
  });

  it('that the driver refuses to open lead to its log', () => {
    const found = { nodes: [{ ...closed, refused: 'ENXIO' }], missing: [] };
    assert.match(devices(found).value, /cannot be opened: ENXIO/);
    assert.match(devices(found).advice ?? '', /dmesg/);
  });

  it('that are missing on the machine are made by udev; an app has no access to them', () => {
    const found = { nodes: [], missing: ['/dev/dri/card1'] };
    assert.match(devices(found).advice ?? '', /udev/);
    assert.match(
      devices(found, 'home-assistant-app').advice ?? '',
      /run the engine in the SmolVLM app, .* or outside/,
    );
    assert.match(
      devices({ nodes: [], missing: ['/dev/rknpu'] }, 'docker').advice ?? '',
      /--device \/dev\/rknpu --device \/dev\/dma_heap/,
    );
    assert.equal(devices({ nodes: [], missing: [] }).value, 'the driver made no device node');
  });

  it('of the DMA-heap build need a heap that the process can open', () => {
    const nodes = [{ path: '/dev/rknpu', mode: '0666', gid: 0 }];
    const heap = { path: '/dev/dma_heap/system', mode: '0600', gid: 0 };
    assert.equal(devices({ nodes, missing: [], heaps: [] }, 'docker').state, 'bad');
    const shut = devices({ nodes, missing: [], heaps: [{ ...heap, refused: 'EACCES' }] });
    assert.match(shut.value, /no DMA heap/);
    assert.equal(devices({ nodes, missing: [], heaps: [heap] }).state, 'ok');
  });

  it('are both named to a container, and both groups to a user', () => {
    const render = {
      nodes: [{ path: '/dev/dri/renderD129', mode: '0660', gid: 105, group: 'render' }],
      missing: [],
    };
    const shut = { nodes: [{ ...closed, refused: 'EACCES' }], missing: [], render };
    assert.match(devices(shut).advice ?? '', /usermod -aG video,render USER/);
    assert.match(devices(shut, 'docker').advice ?? '', /--group-add 44 --group-add 105\./);
    assert.match(devices(shut, 'kubernetes').advice ?? '', /supplementalGroups: \[44, 105\]/);
    const away = devices({ nodes: [], missing: ['/dev/dri/card1'], render }, 'docker');
    assert.equal(
      away.value,
      '/dev/dri/card1 is not in this container; /dev/dri/renderD129 alone is not enough',
    );
    assert.match(away.advice ?? '', /--device \/dev\/dri\/card1 --device \/dev\/dri\/renderD129\.$/);
    assert.match(
      devices({ nodes: [], missing: ['/dev/dri/card1'], render }, 'kubernetes').advice ?? '',
      /hostPath/,
    );
  });

  it('that no group may use need a udev rule, not a group', () => {
    const rootOnly = { path: '/dev/rknpu', mode: '0600', gid: 0, group: 'root', refused: 'EACCES' };
    const { advice = '' } = devices({ nodes: [rootOnly], missing: [] });
    assert.match(advice, /KERNEL=="rknpu", GROUP="video", MODE="0660"/);
    assert.doesNotMatch(advice, /usermod/);
  });

  it('are given to an LXC container by lines of its configuration', () => {
    const heap = { nodes: [], missing: ['/dev/rknpu'] };
    assert.match(
      devices(heap, 'lxc').advice ?? '',
      /lxc\.cgroup2\.devices\.allow = c MAJOR:MINOR rwm \(the numbers that ls -l \/dev\/rknpu shows\)/,
    );
    assert.match(devices({ nodes: [], missing: [] }, 'lxc').advice ?? '', /c 226:\* rwm/);
  });

  it('are refused when /dev/rknpu is a link to them', () => {
    const link = devices({ nodes: [closed], missing: [], misleadingLink: 'dri/card1' });
    assert.equal(link.value, '/dev/rknpu is a link to dri/card1');
    assert.match(link.advice ?? '', /Remove the link/);
  });
});
