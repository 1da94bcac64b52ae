import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { cp, mkdir } from 'node:fs/promises';
import { writeSmallCheckpoint } from '../convert/small-checkpoint';
import { demoFrame } from '../fixtures';
import { useTempFolder } from '../temp-folder';
import { Home } from './home';

describe('example convert on a PC and deliver to the hub', function () {
  this.timeout(300_000);
  const temp = useTempFolder();
  let home: Home;

  before(async () => {
    home = await Home.start();
  });
  after(() => home.close());

  it('converts on one tab; the other fetches, tests and installs', async () => {
    await writeSmallCheckpoint(temp('small'), 1);
    await mkdir(temp('frames'));
    await cp(demoFrame('frame_01_driveway_day.jpg'), temp('frames', 'frame.jpg'));
    // For the CPU: a bundle is taken into use only where it has run, and this machine may have no NPU.
    const conversion = { target: 'cpu', precision: 'float32', model: temp('small'), out: temp('bundle') };
    await home.run('convert on a PC and deliver to the hub', {}, ({ id, name }) => ({
      ...(id === 'pc-convert' && { ...conversion, calibration: temp('frames') }),
      ...(name === 'the archive' && { filename: temp('bundle.tar') }),
      ...(id === 'hub-install' && {
        out: temp('installed'),
        source: `${home.nodeRed.url}/smolvlm/bundle.tar`,
      }),
    }));
    await home.press('pc-start');
    assert.ok((await home.told('bundle')).includes(temp('bundle.tar')));
    await home.press('hub-start');
    assert.ok((await home.told('installed')).includes(temp('installed')));
    const [made, installed] = ['bundle', 'installed'].map((place) =>
      readFileSync(temp(place, 'smolvlm-bundle.json'), 'utf8'),
    );
    assert.equal(installed, made);
  });

  it('says what is wrong when there is no bundle to install', async () => {
    await home.run('convert on a PC and deliver to the hub', {}, ({ id }) => ({
      ...(id === 'hub-install' && { out: temp('installed'), source: temp('none.tar') }),
    }));
    await home.press('hub-start');
    assert.match(await home.told('error'), /none\.tar/);
  });
});
