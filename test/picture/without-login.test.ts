import assert from 'node:assert/strict';
import { httpAddress } from '../../src/mqtt/service-settings';
import { sourceSettings } from '../../src/node-red/frame/frame-dialog';
import { readPicture } from '../../src/picture/picture-source';
import { withoutLogin } from '../../src/picture/without-login';

describe('withoutLogin', () => {
  it('leaves no user and password, also where the address is no address', () => {
    assert.equal(
      withoutLogin('401 from rtsp://me:s@cr/t@camera/live now'),
      '401 from rtsp://…@camera/live now',
    );
    assert.equal(withoutLogin('http://camera/snap'), 'http://camera/snap');
  });

  it('is what errors about addresses show', async () => {
    const isSilent = (error: Error): boolean => /camera/.test(error.message) && !/secret/.test(error.message);
    assert.throws(() => sourceSettings({ source: 'mjpeg', url: 'rtsp://me:secret@camera/live' }), isSilent);
    assert.throws(() => httpAddress('rtsp://me:secret@camera/live', 'snapshot'), isSilent);
    await assert.rejects(readPicture('rtsp://me:secret@camera/live'), isSilent);
    await assert.rejects(readPicture('http://me:secret@camera:port/snap'), isSilent);
  });
});
