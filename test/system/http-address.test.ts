import assert from 'node:assert/strict';
import { beginsAsHttpAddress, parseHttpAddress } from '../../src/system/http-address';

describe('http-address', () => {
  it('takes http and https addresses, in any case', () => {
    assert.equal(parseHttpAddress('HTTP://Camera.local/shot.jpg')?.href, 'http://camera.local/shot.jpg');
    assert.equal(parseHttpAddress('https://[::1]:8443/')?.port, '8443');
  });

  it('takes an address without slashes, as a browser does', () => {
    assert.equal(parseHttpAddress('http:camera.local')?.href, 'http://camera.local/');
  });

  it('takes no other scheme, and no text before the scheme', () => {
    for (const text of ['', 'rtsp://camera.local', ' http://camera.local', 'camera.local']) {
      assert.equal(parseHttpAddress(text), undefined, text);
      assert.equal(beginsAsHttpAddress(text), false, text);
    }
  });

  it('recognises the beginning of an address that is not valid', () => {
    assert.equal(beginsAsHttpAddress('http://[camera'), true);
    assert.equal(parseHttpAddress('http://[camera'), undefined);
  });
});
