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
  if (!memory) return info('not reported by the kernel');
  const { totalBytes, availableBytes, limitBytes } = memory;
  const limited = limitBytes === undefined ? '' : `, this container is limited to ${bytesText(limitBytes)}`;
  const value = `${bytesText(availableBytes)} free of ${bytesText(totalBytes)}${limited}`;
  const room = Math.min(availableBytes, limitBytes ?? availableBytes);
  if (room < leastMemory)
    return bad(value, 'SmolVLM-256M needs 512 MiB: stop other programs, or raise the container’s limit.');
  if (room < ampleMemory)
    return warn(value, 'Enough for SmolVLM-256M, not for larger models: stop other programs.');
  return ok(value);
}

function judgeNpuMemory({ iommu, memory }: Machine): Finding {
  if (iommu === true) return ok('all memory, through the IOMMU');
  const { cmaTotalBytes = 0, cmaFreeBytes = 0 } = memory ?? {};
  const value = `contiguous memory (CMA) only: ${bytesText(cmaFreeBytes)} free of ${bytesText(cmaTotalBytes)}`;
  if (iommu === undefined) return info('cannot determine whether there is an IOMMU');
  if (cmaTotalBytes >= leastCma) return ok(value);
  return bad(
    value,
    'Enable the NPU’s IOMMU in the device tree (rknpu_mmu), or add cma=512M to the kernel’s command line.',
  );
}

function judgeOpenFiles({ openFiles }: Machine): Finding {
  if (openFiles === undefined) return info('not reported by the kernel');
  if (openFiles === Number.POSITIVE_INFINITY) return ok('no limit');
  if (openFiles >= leastOpenFiles) return ok(`at most ${openFiles}`);
  return warn(
    `at most ${openFiles}`,
    `Raise the limit to ${leastOpenFiles}: ulimit -n ${leastOpenFiles} (systemd: LimitNOFILE=).`,
  );
}
