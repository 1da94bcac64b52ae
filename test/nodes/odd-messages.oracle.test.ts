import { newestNode, nodeRed5, programOf } from '../package/test-runtimes';
import { oddMessages } from './odd-messages';

describe('odd messages, in Node-RED 5', function () {
  this.timeout(300_000);
  oddMessages(() => programOf({ node: newestNode, nodeRed: nodeRed5 }));
});
