import { errorBody } from '../../errors';
import { resolveModel } from '../../model/hub/resolve-model';

/**
 * Names the models that are not there when an engine starts, before the first request fails with the same error. The
 * engine starts nevertheless: a model may be pulled later.
 * @param models as the command line gives them; `undefined` is left out
 */
export async function warnOfMissingModels(
  models: Iterable<string | undefined>,
  checkpoints: string,
  log: (line: string) => void,
): Promise<void> {
  for (const model of new Set(models)) {
    if (model === undefined) continue;
    try {
      await resolveModel(model, checkpoints);
    } catch (error) {
      const { message, hint } = errorBody(error);
      log(`warning: ${message}${hint === undefined ? '' : `. ${hint}`}`);
    }
  }
}
