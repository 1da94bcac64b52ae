import type { DoctorReport } from '../../protocol/doctor-report';
import { readModelFacts, type UnusableModel } from '../bundle-facts';
import { checkCpuProducts } from '../cpu-products';
import { readMachine } from '../machine';
import { SystemFiles } from '../recording/system-files';
import { examine } from './examine';

/**
 * Examines a machine.
 * @param models whose bundles are to be compared with it, and those that were named and cannot be used
 * @param files of the machine; default: this one
 */
export async function diagnose(
  models: readonly (string | UnusableModel)[],
  files = new SystemFiles(),
): Promise<DoctorReport> {
  if (files.live) files.cpuProducts = await checkCpuProducts();
  const facts = await Promise.all(
    models.map((model) => (typeof model === 'string' ? readModelFacts(model) : model)),
  );
  return examine(readMachine(files, facts));
}
