import { checkpointsFolder } from '../model/cache-folder';
import type { HubError } from '../model/hub/hub-error';
import { type PullProgress, pullCheckpoint } from '../model/hub/hub-pull';
import { hubSettings } from '../model/hub/hub-settings';
import { familyModels } from '../model/hub/model-family';
import { parseHubReference } from '../model/hub/resolve-model';
import { alignedTable } from './command/aligned-table';
import { type Command, UsageError } from './command/command';

const progressEveryMs = 1000;

export const command: Command = {
  takesArguments: true,
  summary: 'Download a checkpoint from a model hub into the cache',
  usage: 'pull ORG/NAME[@REVISION]   |   pull --list   (the models of the family, with their memory)',
  options: { list: { type: 'boolean' } },
  async run({ list }, positionals, io, { hub, cacheDir }) {
    if (list) {
      if (positionals.length > 0) throw new UsageError('--list takes no names');
      io.result(familyModels.map(document), listed());
      return 0;
    }
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
      { ...hubSettings(hub), onRetry: (error, waitMs) => io.log(retryLine(error, waitMs)) },
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

function document({
  id,
  downloadBytes,
  memoryBytes,
  machineGb,
  suits,
}: (typeof familyModels)[number]): object {
  return { id, download_bytes: downloadBytes, memory_bytes: memoryBytes, machine_gb: machineGb, suits };
}

function listed(): string {
  const rows = familyModels.map(({ id, downloadBytes, memoryBytes, machineGb }) => [
    id,
    `${(downloadBytes / 1e9).toFixed(2)} GB`,
    `${(memoryBytes / 1e9).toFixed(1)} GB`,
    `${machineGb} GB`,
  ]);
  return alignedTable(['model', 'download', 'engine', 'machine'], rows);
}

function retryLine({ code, message }: HubError, waitMs: number): string {
  const silent = code === 'hub-unreachable' || code === 'hub-stalled';
  return `${silent ? 'the hub does not answer: ' : ''}${message}; the next try is in ${Math.ceil(waitMs / 1000)} s`;
}

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
