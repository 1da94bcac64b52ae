import { resolveModel } from '../../model/hub/resolve-model';
import { type OptionValues, requiredString } from '../command';

/** The folder of `--model`, whose configs are enough: no weights are read. */
export async function modelFolder(values: OptionValues): Promise<string> {
  return (await resolveModel(requiredString(values, 'model'))).dir;
}
