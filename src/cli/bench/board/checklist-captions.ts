import { type ChecklistRow, type Judgement, judged } from './checklist-row';
import type { ReportReader } from './report-reader';

/** Characters of the first words, which must agree between two decoders. */
const firstWords = 20;

const cpuChoice = 'Choose CPU as Decoder in the engine node.';
const embedStays = 'Leave SMOLVLM_RKLLM_INPUT at embed, the default.';

/** Rows 13 to 19: captions, and the decoder on the NPU where the bundle has one. */
export const captionRows: readonly ChecklistRow[] = [
  { row: 13, title: 'The same words', part: 'captions', judge: judgeCaptions },
  {
    row: 14,
    title: 'RKLLM with our rows',
    part: 'rkllm',
    judge: (report) => judgeText(report, 'embed', cpuChoice),
  },
  {
    row: 15,
    title: 'RKLLM’s own prompt',
    part: 'rkllm',
    judge: (report) => judgeText(report, 'multimodal', embedStays),
  },
  { row: 16, title: 'Image tokens in RKLLM’s prompt', part: 'rkllm', judge: judgeWords },
  { row: 17, title: 'Embeddings on disk', part: 'rkllm', judge: judgeFlash },
  { row: 18, title: 'Release of librkllmrt', part: 'rkllm', judge: judgeLibrary },
  {
    row: 19,
    title: 'A hung job',
    part: 'doctor',
    judge: () =>
      judged(
        'info',
        'not measured by the command',
        'a new engine after 20 s, the frame answered by the CPU',
        'Try it by hand once: lower the NPU’s clock, or run another NPU program beside it.',
      ),
  },
];

function judgeCaptions(report: ReportReader): Judgement | undefined {
  const of = report.number('captions.found.of');
  const same = report.number('captions.found.same');
  if (of === undefined) return undefined;
  if (same === undefined)
    return judged(
      'info',
      'the bundle has no stages for the CPU to compare with',
      'equal words',
      'Convert without --no-cpu-stages.',
    );
  const next = 'Look at row 7 first; where it is ok, compare the texts in the report.';
  return judged(same >= of - 1 ? 'ok' : 'bad', `${same} of ${of} as on the CPU`, `${of}, or one fewer`, next);
}

function absent(report: ReportReader): Judgement | undefined {
  const why = report.text('rkllm.found.absent');
  if (why === undefined) return undefined;
  return judged('info', why, 'optional', 'For the decoder on the NPU, convert with --rkllm-python.');
}

function judgeText(report: ReportReader, way: string, next: string): Judgement | undefined {
  const [text, cpu] = [report.text(`rkllm.found.${way}.text`), report.text('rkllm.found.cpu.text')];
  if (text === undefined || cpu === undefined) return absent(report);
  const same = text.slice(0, firstWords) === cpu.slice(0, firstWords);
  return judged(
    same ? 'ok' : 'warn',
    `“${text.slice(0, 60)}”`,
    `begins as on the CPU: “${cpu.slice(0, firstWords)}”`,
    next,
  );
}

function judgeWords(report: ReportReader): Judgement | undefined {
  const text = report.text('rkllm.found.multimodal.text');
  if (text === undefined) return absent(report);
  const sensible = /\p{L}{2,}(?:\s+\p{L}{2,}){2,}/u.test(text);
  return judged(
    sensible ? 'ok' : 'warn',
    `“${text.slice(0, 60)}”`,
    'sensible words about the picture',
    embedStays,
  );
}

function judgeFlash(report: ReportReader): Judgement | undefined {
  const [flash, embed] = ['embed_flash', 'embed'].map((way) => ({
    rss: report.number(`rkllm.found.${way}.rss_bytes`),
    first: report.number(`rkllm.found.${way}.first_token_ms`),
  }));
  if (flash?.rss === undefined || embed?.rss === undefined) return absent(report);
  const saved = (embed.rss - flash.rss) / 1e6;
  const later = (flash.first ?? 0) - (embed.first ?? 0);
  return judged(
    saved > 20 && later < 200 ? 'ok' : 'info',
    `${saved.toFixed(0)} MB less, first token ${later.toFixed(0)} ms later`,
    'about 57 MB less, little delay',
    'Leave SMOLVLM_RKLLM_EMBED_FLASH off.',
  );
}

function judgeLibrary(report: ReportReader): Judgement | undefined {
  const abi = report.text('rkllm.found.library.abi');
  if (abi === undefined) return absent(report);
  const version = report.text('rkllm.found.library.version');
  return judged(
    version === undefined ? 'warn' : 'ok',
    `${version ?? 'unknown'}, structures of ${abi}`,
    'the release that you installed',
    'Set SMOLVLM_RKLLM_ABI=1.2 or 1.3.',
  );
}
