import { checkpointsFolder } from '../model/cache-folder';
import { type PullProgress, pullCheckpoint } from '../model/hub/hub-pull';
import { hubSettings } from '../model/hub/hub-settings';
import { parseHubReference } from '../model/hub/resolve-model';
import { type Command, UsageError } from './command/command';

const progressEveryMs = 1000;

export const command: Command = {
  summary: 'Download a checkpoint from a model hub into the cache',
  usage: 'pull ORG/NAME[@REVISION]',
  options: {},
  async run(_values, positionals, io, { hub, cacheDir }) {
    const [model, ...rest] = positionals;
    const reference = model === undefined ? undefined : parseHubReference(model);
    if (!reference || rest.length > 0) {
      throw new UsageError(
        `expected one model as ORG/NAME or ORG/NAME@REVISION, received "${positionals.join(' ')}"`,
        'For example: smolvlm pull HuggingFaceTB/SmolVLM-256M-Instruct',
      );
    }
    const lines = progressLines(io.log);
    const { id, revision, commit, dir, files, downloadedBytes } = await pullCheckpoint(
      reference,
      hubSettings(hub),
      {
        signal: io.signal,
        checkpoints: checkpointsFolder(cacheDir),
        onProgress: (progress) => {
          lines(progress);
          process.send?.({
            progress: { step: progress.file, done: progress.doneBytes, total: progress.totalBytes },
          });
        },
        onWait: (pid) => io.log(`waiting: process ${pid} is pulling ${reference.id}`),
      },
    );
    io.result({ id, revision, commit, dir, files, downloaded_bytes: downloadedBytes }, `${id} is in ${dir}`);
    return 0;
  },
};

/** A line a second, and one for each file. */
function progressLines(log: (line: string) => void): (progress: PullProgress) => void {
  let lastFile = '';
  let lastTime = 0;
  return ({ file, doneBytes, totalBytes }) => {
    const now = Date.now();
    if (file === lastFile && now - lastTime < progressEveryMs && doneBytes < totalBytes) return;
    lastFile = file;
    lastTime = now;
    const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(1);
    const percent = Math.floor((100 * doneBytes) / totalBytes);
    log(`${file}: ${megabytes(doneBytes)} of ${megabytes(totalBytes)} MB (${percent} %)`);
  };
}
