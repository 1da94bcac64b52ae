import assert from 'node:assert/strict';
import { parsePipConfiguration } from '../../../src/convert/toolkit/pip-configuration';

describe('pip’s configuration files', () => {
  it('are read by pip itself when they only say where packages come from', () => {
    const listed = "global.index-url='https://mirror.test/simple'\nglobal.timeout='60'\n:env:.target='/x'\n";
    assert.deepEqual(parsePipConfiguration(listed), { variables: {}, dropped: [] });
    assert.deepEqual(parsePipConfiguration(''), { variables: {}, dropped: [] });
  });

  it('are replaced by their sources of packages when they would install elsewhere, which is named', () => {
    const listed = [
      "global.extra-index-url='https://a.test/simple\\nhttps://b.test/simple'",
      "global.index-url='https://mirror.test/simple'",
      "global.require-virtualenv='true'",
      "install.target='/elsewhere'",
      "list.format='json'",
    ].join('\n');
    assert.deepEqual(parsePipConfiguration(listed), {
      variables: {
        PIP_EXTRA_INDEX_URL: 'https://a.test/simple https://b.test/simple',
        PIP_INDEX_URL: 'https://mirror.test/simple',
        PIP_CONFIG_FILE: '/dev/null',
      },
      dropped: ['global.require-virtualenv', 'install.target'],
    });
  });
});
