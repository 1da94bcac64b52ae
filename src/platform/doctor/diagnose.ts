import type { DoctorReport } from '../../protocol/doctor-report';
import { readBundleFacts } from '../bundle-facts';
import { checkCpuProducts } from '../cpu-products';
import { readMachine } from '../machine';
import { SystemFiles } from '../recording/system-files';
import { examine } from './examine';

/**
 * Examines a machine.
 * @param models whose bundles are to be compared with it
 * @param files of the machine; default: this one
 */
export async function diagnose(models: readonly string[], files = new SystemFiles()): Promise<DoctorReport> {
  if (files.live) files.cpuProducts = await checkCpuProducts();
  const facts = await Promise.all(models.map((model) => readBundleFacts(model)));
  return examine(
    readMachine(
      files,
      facts.filter((each) => each !== undefined),
    ),
  );
}
