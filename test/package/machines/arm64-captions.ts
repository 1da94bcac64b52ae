import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { OpenCaptioner } from '../../../src/inference/inference';
import type { DescribeRequest } from '../../../src/protocol/describe-request';

/** Pictures to describe with one model, in one precision. */
export interface CaptionJob {
  readonly model: string;
  readonly precision?: 'float32' | 'int8' | 'int4';
  readonly pictures: readonly (Pick<DescribeRequest, 'prompt' | 'detail' | 'maxNewTokens' | 'answer'> & {
    readonly file: string;
  })[];
}

export interface JobAnswers {
  readonly backend: string;
  /** What the CPU computes wrongly. */
  readonly arithmetic?: string;
  readonly answers: readonly {
    readonly text: string;
    readonly tokenIds: readonly number[];
    /** Of each token, where the picture's `answer` requests them. */
    readonly logprobs?: readonly number[];
  }[];
}

/** Describes a job's pictures with a package's `openCaptioner`. */
export async function answersOf(
  open: OpenCaptioner,
  { model, precision, pictures }: CaptionJob,
): Promise<JobAnswers> {
  const captioner = await open({ model, ...(precision && { precision }) });
  const answers: JobAnswers['answers'][number][] = [];
  const hooks = {
    signal: new AbortController().signal,
    onProgress: () => undefined,
    onToken: () => undefined,
  };
  for (const { file, ...request } of pictures) {
    const { text, tokenIds, logprobs } = await captioner.describe(
      [readFileSync(file)],
      { id: file, ...request },
      hooks,
    );
    answers.push({ text, tokenIds, ...(logprobs && { logprobs: logprobs.map(({ logprob }) => logprob) }) });
  }
  const { backend, arithmetic } = captioner;
  await captioner.close();
  return { backend, ...(arithmetic && { arithmetic: arithmetic.message }), answers };
}

/** A program: `PROJECT JOBS` → the answers as JSON, by the package that is installed in the project. */
async function main([project = '', jobs = '']: readonly string[]): Promise<void> {
  const installed = join(project, 'node_modules', '@rk3588', 'node-red-smolvlm', 'dist', 'src');
  const { openCaptioner }: { openCaptioner: OpenCaptioner } = require(
    join(installed, 'inference/captioner.js'),
  );
  const all: JobAnswers[] = [];
  for (const job of JSON.parse(jobs) as readonly CaptionJob[]) all.push(await answersOf(openCaptioner, job));
  console.log(JSON.stringify(all));
}

if (require.main === module) void main(process.argv.slice(2));
