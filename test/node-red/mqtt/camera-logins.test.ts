import assert from 'node:assert/strict';
import { mostCameras } from '../../../src/mqtt/topic-names';
import { cameraCredentials, freeLogin, mostLogins } from '../../../src/node-red/mqtt/camera-logins';

describe('camera logins', () => {
  it('are as many as cameras, and their passwords are never sent to the editor', () => {
    assert.equal(mostLogins, mostCameras);
    assert.equal(Object.keys(cameraCredentials).length, 2 * mostCameras);
    assert.deepEqual(cameraCredentials.password64, { type: 'password' });
  });

  it('take the smallest free number', () => {
    assert.equal(freeLogin(new Set()), 1);
    assert.equal(freeLogin(new Set([1, 2, 4])), 3);
    assert.equal(freeLogin(new Set(Array.from({ length: 64 }, (_, index) => index + 1))), undefined);
  });
});
