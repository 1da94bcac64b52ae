import assert from 'node:assert/strict';
import { fillLogin } from '../../../src/picture/camera/address-login';

describe('fillLogin', () => {
  const login = { user: 'admin', password: 'p@ss:/?#{user}' };

  it('encodes what it fills in, so that the address keeps its host and path', () => {
    const filled = fillLogin('rtsp://{user}:{password}@camera/live?p={password}', (part) => login[part]);
    const url = new URL(filled);
    assert.equal(url.host, 'camera');
    assert.equal(decodeURIComponent(url.password), login.password);
    assert.equal(url.searchParams.get('p'), login.password);
  });

  it('asks for the parts that the address names, and for no others', () => {
    const asked: string[] = [];
    const given = (part: string): string => {
      asked.push(part);
      return 'x';
    };
    assert.equal(fillLogin('http://camera/{User}/{name}', given), 'http://camera/{User}/{name}');
    assert.equal(fillLogin('http://camera/?u={user}', given), 'http://camera/?u=x');
    assert.deepEqual(asked, ['user']);
  });

  it('passes on what is thrown for a part that is not given', () => {
    const missing = (part: string): never => {
      throw new Error(`${part} is missing`);
    };
    assert.throws(() => fillLogin('http://camera/?p={password}', missing), /password is missing/);
  });
});
