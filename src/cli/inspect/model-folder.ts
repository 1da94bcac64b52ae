import { resolveModel } from '../../model/hub/resolve-model';
import { type OptionValues, requiredString } from '../command/command';

/** The folder of `--model`. Only its configs are read, no weights. */
export async function modelFolder(values: OptionValues): Promise<string> {
  return (await resolveModel(requiredString(values, 'model'))).dir;
}
