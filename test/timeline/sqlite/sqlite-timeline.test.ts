import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before } from 'mocha';
import { openTimeline } from '../../../src/timeline/sqlite/open-timeline';
import { timelineStoreContract } from '../../contract/timeline-store-contract';

let root = '';
before(async () => {
  root = await mkdtemp(join(tmpdir(), 'smolvlm-test-'));
});
after(() => rm(root, { recursive: true, force: true }));

let count = 0;
timelineStoreContract('SQLite', () =>
  openTimeline({ folder: join(root, `${++count}`), retention: { megabytes: 50 } }),
);
