import { SystemFiles } from '../../../src/platform/recording/system-files';

// Loaded before the program of a process, and of each of its worker threads, by the NODE_OPTIONS of `PlantedNeighbours`.
const root = process.env.SMOLVLM_TEST_NEIGHBOURS;
if (root !== undefined) {
  const loaded = require('../../../src/platform/npu/npu-neighbours');
  let now = 0;
  loaded.NpuNeighbours = class extends loaded.NpuNeighbours {
    constructor() {
      // Each reading is later than the last by more than a reading is used for.
      super(new SystemFiles(root), () => (now += 60_000));
    }
  };
}
