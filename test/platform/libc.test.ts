import assert from 'node:assert/strict';
import { libcOf } from '../../src/platform/libc';
import { SystemFiles } from '../../src/platform/recording/system-files';
import { useTempFolder } from '../temp-folder';
import { recordedTree } from './recording/recorded-tree';

describe('C library', () => {
  const temp = useTempFolder();

  function mapped(library: string, content = '') {
    return libcOf(
      recordedTree(temp(), {
        files: {
          '/proc/self/maps': `7f9a000000-7f9a180000 r-xp 00000000 b3:02 2622    ${library}\n7f9b000000-7f9b001000 rw-p 00000000 00:00 0 [stack]`,
          [library]: content,
        },
      }),
    );
  }

  it('is the one mapped into the process, with the version from its text', () => {
    const text = 'GNU C Library (Ubuntu GLIBC 2.39-0ubuntu8.6) stable release version 2.39.\n';
    assert.deepEqual(mapped('/usr/lib/aarch64-linux-gnu/libc.so.6', text), {
      kind: 'glibc',
      version: '2.39',
    });
    assert.deepEqual(mapped('/lib/libc-2.31.so'), { kind: 'glibc' });
    assert.deepEqual(mapped('/lib/ld-musl-aarch64.so.1'), { kind: 'musl' });
  });

  it('is Alpine’s where the process’s maps cannot be read', () => {
    const files = { '/etc/alpine-release': '3.23', '/lib/ld-musl-x86_64.so.1': '' };
    assert.deepEqual(libcOf(recordedTree(temp(), { files })), { kind: 'musl' });
    assert.deepEqual(libcOf(recordedTree(temp(), {})), { kind: 'unknown' });
  });

  it('is recognised for this process (needs Linux with glibc)', function () {
    const { header } = process.report.getReport() as { header: { glibcVersionRuntime?: string } };
    if (process.platform !== 'linux' || header.glibcVersionRuntime === undefined) this.skip();
    assert.deepEqual(libcOf(new SystemFiles()), { kind: 'glibc', version: header.glibcVersionRuntime });
  });
});
