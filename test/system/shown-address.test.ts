import assert from 'node:assert/strict';
import { httpAddress } from '../../src/mqtt/service-settings';
import { sourceSettings } from '../../src/node-red/frame/source-settings';
import { readPicture } from '../../src/picture/picture-source';
import { shownAddress, shownText } from '../../src/system/shown-address';

describe('shownAddress', () => {
  for (const [address, shown] of [
    ['http://camera/snap', 'http://camera/snap'],
    ['http://camera:8080/axis-cgi/jpg/image.cgi?resolution=640x480', undefined],
    ['http://frigate:5000/api/porch/latest.jpg?h=720&bbox=1', undefined],
    ['http://me:hunter2@camera/snap', 'http://…@camera/snap'],
    ['http://hunter2@camera/snap', 'http://…@camera/snap'],
    ['rtsp://me:hunter2@cr/t@camera/live', 'rtsp://…@camera/live'],
    ['rtsp://me:hun?ter2@camera/live', 'rtsp://…@camera/live'],
    ['rtsp://me:hunt er2@camera/live', 'rtsp://…@camera/live'],
    [
      'http://camera/cgi-bin/api.cgi?cmd=Snap&channel=0&user=me&password=hunter2',
      'http://camera/cgi-bin/api.cgi?cmd=Snap&channel=0&user=…&password=…',
    ],
    ['http://camera/snap?loginuse=hunter2&loginpas=hunter2', 'http://camera/snap?loginuse=…&loginpas=…'],
    ['http://camera/snap?unheard-of=hunter2', 'http://camera/snap?unheard-of=…'],
    ['http://camera/snap?a=1;pwd=hunter2', 'http://camera/snap?a=…;pwd=…'],
    ['http://camera/snap?hunter2', 'http://camera/snap?…'],
    ['http://camera/snap?hunter2=', 'http://camera/snap?…'],
    ['http://camera/snap?me:hunter2=1', 'http://camera/snap?…=…'],
    ['http://camera/snap?2', undefined],
    ['http://camera/snap#hunter2', 'http://camera/snap#…'],
    ['http://go2rtc:1984/api/frame.jpeg?src=porch', undefined],
    [
      'http://go2rtc:1984/api/frame.jpeg?src=rtsp://me:hunter2@camera/live',
      'http://go2rtc:1984/api/frame.jpeg?src=…',
    ],
    ['http://go2rtc/api/frame.jpeg?src=abcDEF123hunter2XYZ', 'http://go2rtc/api/frame.jpeg?src=…'],
    ['rtsp://camera:554/user=me_password=hunter2_channel=1_stream=0.sdp', 'rtsp://camera:554/user=…'],
    ['http://camera/snap;usr=me;pwd=hunter2/now', 'http://camera/snap;usr=…'],
    ['rtsps://nvr:7441/9yDq3kVb0RtXn2Lw?enableSrtp', 'rtsps://nvr:7441/…?…'],
    ['rtsp://camera/Streaming/Channels/101', undefined],
    ['me:hunter2@camera/live', '…@camera/live'],
  ] as const) {
    it(`shows ${address} as ${shown ?? 'it is'}`, () => {
      assert.equal(shownAddress(address), shown ?? address);
    });
  }
});

describe('shownText', () => {
  it('masks every address in a sentence, and keeps the sentence', () => {
    assert.equal(
      shownText('401 from rtsp://me:s@cr/t@camera/live now (see http://x/y?token=z).'),
      '401 from rtsp://…@camera/live now (see http://x/y?token=…).',
    );
  });

  it('masks what is given as a password outside an address', () => {
    assert.equal(
      shownText('Not found: /api.cgi?cmd=Snap&password=hunter2&x=1'),
      'Not found: /api.cgi?cmd=Snap&password=…&x=1',
    );
    assert.equal(shownText('access_token=hunter2'), 'access_token=…');
  });

  it('is what errors about addresses show', async () => {
    const isSilent = (error: Error): boolean => /camera/.test(error.message) && !/secret/.test(error.message);
    for (const login of ['me:secret@', 'me:se cret@']) {
      assert.throws(
        () => sourceSettings({ source: 'mjpeg', url: `rtsp://${login}camera/live?pwd=secret` }),
        isSilent,
      );
      assert.throws(() => httpAddress(`rtsp://${login}camera/live?pwd=secret`, 'snapshot'), isSilent);
      await assert.rejects(readPicture(`rtsp://${login}camera/live?pwd=secret`), isSilent);
      await assert.rejects(readPicture(`http://${login}camera:port/snap?pwd=secret`), isSilent);
    }
  });

  it('masks what looks like a password under a harmless name, too', () => {
    assert.equal(
      shownAddress('http://camera.local/snap?ch=ZqA0a00A&channel=1'),
      'http://camera.local/snap?ch=…&channel=1',
    );
  });
});
