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
    ['http:me:hunter2@camera/live', '…@camera/live'],
    ['http:/me:hunter2@camera/live', '…@camera/live'],
    ['http://me:1234?hunter2@camera/live', 'http://…@camera/live'],
    ['http://me:1234#hunter2@camera/live', 'http://…@camera/live'],
    ['http://camera:8080/snap?mail=me@host', 'http://camera:8080/snap?mail=…'],
    ['http://me%3Ahunter2%40camera/live', 'http://…@camera/live'],
    ['http://me%253Ahunter2%2540camera/live', 'http://…@camera/live'],
    ['http://hub/proxy/rtsp%3A%2F%2Fme%3Ahunter2%40camera%2Flive', 'http://hub/proxy/…'],
    ['http://me:пароль%@camera/live', 'http://…@camera/live'],
    ['mqtts://me:hun:ter2@broker:8883', 'mqtts://…@broker:8883'],
    ['http://camera/snap?source=me:hunter', 'http://camera/snap?source=…'],
    ['http://camera/snap?clock=12:30:00', undefined],
    ['http://camera/snap?password=hunter&1234', 'http://camera/snap?password=…&…'],
    ['http://camera/snap?p%61ss=hunter2', 'http://camera/snap?…=…'],
    ['http://camera/snap?x=%2568unter2', 'http://camera/snap?x=…'],
    ['http://camera/login/password/hunter2/snap', 'http://camera/login/password/…/snap'],
    ['rtsp://nvr:7447/7f8d9a0b1c2d3e4f', 'rtsp://nvr:7447/…'],
    [
      'http://camera/onvif/snapshot.jpg?ProfileToken=Profile_1',
      'http://camera/onvif/snapshot.jpg?ProfileToken=…',
    ],
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
      'Not found: /api.cgi?cmd=Snap&password=…&x=…',
    );
    assert.equal(shownText('access_token=hunter2'), 'access_token=…');
  });

  it('masks addresses without a scheme, and what a camera repeats as JSON', () => {
    for (const [text, shown] of [
      ["ENOENT: no such file, open 'http:me:hunter2@camera/x'", "ENOENT: no such file, open '…@camera/x'"],
      ['connect me:hunter2@camera:80.', 'connect …@camera:80.'],
      ['(see url=rtsp://me:hunter2@camera/x)', '(see url=rtsp://…@camera/x)'],
      ['no /snap?u=me&p=hunter2, sorry', 'no /snap?u=…&p=…, sorry'],
      ['{"user":"me","Password": "hun ter2"}', '{"user":"me","Password": "…"}'],
    ] as const) {
      assert.equal(shownText(text), shown);
      assert.equal(shownText(shown), shown, 'twice is the same');
    }
    for (const text of ['at 12:30 write to me@home.example', 'is it 5? 3 = 4', 'a/b: c.', '1 of 2 (50%)']) {
      assert.equal(shownText(text), text);
    }
  });

  it('takes no longer for long texts', () => {
    const long = 'a:'.repeat(200_000);
    assert.equal(shownText(long), long);
    // Minutes, if a name was searched for from each of its characters.
    const segment = `a/${'x'.repeat(2_000_000)}`;
    assert.equal(shownAddress(segment), segment);
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
