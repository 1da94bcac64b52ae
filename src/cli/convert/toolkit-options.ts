import { droppedVariables } from '../../convert/toolkit/python-environment';
import { prepareToolkitEnvironment, type ToolkitChoice } from '../../convert/toolkit/toolkit-environment';
import type { Toolkit } from '../../convert/toolkit/toolkit-worker';
import { toolkitVersions } from '../../protocol/models/conversion-choices';
import { defined } from '../../system/defined';
import type { Settings } from '../../system/settings';
import { type CommandIo, type OptionValues, optionalChoice, optionalString } from '../command/command';

/** `--toolkit` and `--python`, or the interpreter of the environment. @throws UsageError */
export function toolkitChoice(values: OptionValues, { convert, cacheDir }: Settings): ToolkitChoice {
  const version = optionalChoice(values, 'toolkit', toolkitVersions);
  const python = optionalString(values, 'python') ?? convert.python;
  return { cacheDir, ...defined({ version, python }) };
}

/** Names the environment variables that would disturb a conversion and are not passed on to it. */
export function logDroppedVariables(io: CommandIo): void {
  const dropped = droppedVariables();
  if (dropped.length > 0) io.log(`not passed on to Python: ${dropped.join(', ')}`);
}

/** `--setup`: makes the toolkit's environment unless it exists. */
export function setUpToolkit(choice: ToolkitChoice, io: CommandIo): Promise<Toolkit> {
  logDroppedVariables(io);
  return prepareToolkitEnvironment({ ...choice, signal: io.signal, onProgress: io.progress });
}
