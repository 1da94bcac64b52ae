import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { englishText, phrase } from '../protocol/findings/finding-phrase';
import type { CpuProducts } from './recording/system-recording';

/** From dist/src/platform. */
const program = join(__dirname, '..', 'inference', 'cpu', 'product-check-process.js');

/** It takes a fraction of a second on a hub. */
const timeoutMs = 60_000;

/** Has another process multiply small matrices with onnxruntime. @param path of the process's program, for tests */
export function checkCpuProducts(path = program): Promise<CpuProducts> {
  return new Promise((resolve) => {
    execFile(process.execPath, [path], { timeout: timeoutMs }, (error, stdout) => {
      if (error) {
        const { killed, signal, code } = error;
        const status = phrase('crashStatus', { status: `${code}` });
        const crash = killed ? englishText(phrase('crashTimeout')) : (signal ?? englishText(status));
        resolve({ crash });
        return;
      }
      resolve(JSON.parse(stdout) as CpuProducts);
    });
  });
}
