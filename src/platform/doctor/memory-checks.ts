import { phrase } from '../../protocol/findings/finding-phrase';
import type { Machine } from '../machine';
import { bad, type Check, type Finding, hasVendorNpu, info, ok, warn } from './finding';
import { bytesText } from './quantity';

const mebibyte = 1024 ** 2;
/** SmolVLM-256M took 0.5 GB on an RK3588 (third-party measurement, decoder and vision). */
const leastMemory = 512 * mebibyte;
const ampleMemory = 1024 * mebibyte;
/** 24 fp16 stages of its vision tower hold 172 MB of weights, and each some scratch memory. */
const leastCma = 256 * mebibyte;
/** 24 contexts with several buffers each fit below the usual limit: a buffer is an open file. */
const leastOpenFiles = 1024;

/** Room for a model, on the CPU and on the NPU. */
export const memoryChecks: readonly Check[] = [
  { id: 'memory', title: 'Memory', judge: judgeMemory, stops: ['captionOnCpu', 'captionOnNpu'] },
  {
    id: 'npu-memory',
    title: 'NPU memory',
    applies: hasVendorNpu,
    judge: judgeNpuMemory,
    stops: ['captionOnNpu'],
  },
  { id: 'open-files', title: 'Open files', judge: judgeOpenFiles },
];

function judgeMemory({ memory }: Machine): Finding {
  if (!memory) return info(phrase('notReported'));
  const { totalBytes, availableBytes, limitBytes } = memory;
  const [free, total] = [bytesText(availableBytes), bytesText(totalBytes)];
  const value =
    limitBytes === undefined
      ? phrase('memoryFree', { free, total })
      : phrase('memoryLimited', { free, total, limit: bytesText(limitBytes) });
  const room = Math.min(availableBytes, limitBytes ?? availableBytes);
  if (room < leastMemory) return bad(value, phrase('memoryTooSmall'));
  if (room < ampleMemory) return warn(value, phrase('memoryScarce'));
  return ok(value);
}

function judgeNpuMemory({ iommu, memory }: Machine): Finding {
  if (iommu === true) return ok(phrase('memoryByIommu'));
  const { cmaTotalBytes = 0, cmaFreeBytes = 0 } = memory ?? {};
  const value = phrase('memoryCma', { free: bytesText(cmaFreeBytes), total: bytesText(cmaTotalBytes) });
  if (iommu === undefined) return info(phrase('iommuUnknown'));
  if (cmaTotalBytes >= leastCma) return ok(value);
  return bad(value, phrase('enableIommu'));
}

function judgeOpenFiles({ openFiles }: Machine): Finding {
  if (openFiles === undefined) return info(phrase('notReported'));
  if (openFiles === Number.POSITIVE_INFINITY) return ok(phrase('noLimit'));
  const value = phrase('atMost', { count: openFiles });
  return openFiles >= leastOpenFiles
    ? ok(value)
    : warn(value, phrase('raiseOpenFiles', { least: leastOpenFiles }));
}
