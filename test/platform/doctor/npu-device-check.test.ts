import assert from 'node:assert/strict';
import type { Machine } from '../../../src/platform/machine';
import { judged } from './judged';

const closed = { path: '/dev/dri/renderD129', mode: '0660', gid: 105, group: 'render' };

describe('doctor: NPU devices', () => {
  function devices(found: Machine['devices'], container?: Machine['container']) {
    return judged('npu-devices', 'rk3588-vendor', { devices: found, container });
  }

  it('that the user may not open need a group: by name on the machine, by number in a container', () => {
    const found = { nodes: [{ ...closed, refused: 'EACCES' }], missing: [] };
    assert.match(devices(found).advice ?? '', /usermod -aG render USER/);
    assert.match(devices(found, 'docker').advice ?? '', /--group-add 105/);
    const { group: _, ...unnamed } = closed;
    assert.match(
      devices({ nodes: [{ ...unnamed, refused: 'EACCES' }], missing: [] }).value,
      /\(0660, group 105\)/,
    );
  });

  it('that the container blocks need --device', () => {
    const found = { nodes: [{ ...closed, refused: 'EPERM' }], missing: [] };
    assert.match(devices(found, 'docker').advice ?? '', /--device \/dev\/dri\/renderD129/);
    assert.match(devices(found).advice ?? '', /DeviceAllow/);
  });

  it('that the driver refuses to open lead to its log', () => {
    const found = { nodes: [{ ...closed, refused: 'ENXIO' }], missing: [] };
    assert.match(devices(found).value, /cannot be opened: ENXIO/);
    assert.match(devices(found).advice ?? '', /dmesg/);
  });

  it('that are missing on the machine are made by udev; an app has no access to them', () => {
    const found = { nodes: [], missing: ['/dev/dri/renderD129'] };
    assert.match(devices(found).advice ?? '', /udev/);
    assert.match(devices(found, 'home-assistant-app').advice ?? '', /run the engine outside/);
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

  it('are refused when /dev/rknpu is a link to them', () => {
    const link = devices({ nodes: [closed], missing: [], misleadingLink: 'dri/renderD129' });
    assert.equal(link.value, '/dev/rknpu is a link to dri/renderD129');
    assert.match(link.advice ?? '', /Remove the link/);
  });
});
