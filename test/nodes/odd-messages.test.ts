import { oddMessages } from './odd-messages';

describe('odd messages, in a real Node-RED', function () {
  this.timeout(300_000);
  oddMessages(async () => undefined);
});
