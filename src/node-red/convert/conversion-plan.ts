import { SmolvlmError } from '../../errors';
import { bundleTargets, toolkitVersions } from '../../protocol/models/conversion-choices';
import { areLayers, type ConversionMode, conversionModes, precisionChoices } from './convert-fields';

/** The convert node's dialog, as Node-RED stores it. */
export interface ConversionDialog {
  readonly mode?: string;
  readonly model?: string;
  readonly out?: string;
  readonly target?: string;
  readonly toolkit?: string;
  readonly precision?: string;
  readonly int8Layers?: string;
  readonly calibration?: string;
  readonly python?: string;
  readonly setup?: boolean;
  readonly pack?: boolean;
  readonly source?: string;
}

/** Properties of a message that replace blank fields of the dialog; `mode` always; `setup` and `sha256` exist only here. */
export type ConversionMessage = Partial<
  Record<
    | 'mode'
    | 'model'
    | 'out'
    | 'target'
    | 'toolkit'
    | 'precision'
    | 'calibration'
    | 'source'
    | 'sha256'
    | 'setup',
    unknown
  >
>;

/** The commands that a message starts, run one after the other. */
export interface ConversionPlan {
  readonly mode: ConversionMode;
  readonly steps: readonly (readonly string[])[];
}

/** @throws SmolvlmError `convert-input` naming the field that is missing or wrong */
export function planConversion(dialog: ConversionDialog, message: ConversionMessage): ConversionPlan {
  const requested = text(message.mode) || dialog.mode || 'convert';
  const mode = oneOf(conversionModes, 'mode', requested);
  const field = (name: keyof ConversionMessage & keyof ConversionDialog): string =>
    text(dialog[name]) || text(message[name]);
  const required = (name: 'model' | 'out' | 'source', what: string): string => {
    const value = field(name);
    if (value === '') throw wrong(name, what, '');
    return value;
  };
  const out = required('out', 'the folder of the bundle');
  const optional = (option: string, value: string): string[] => (value === '' ? [] : [`--${option}`, value]);
  if (mode === 'install') {
    const source = required('source', 'the path or http(s) address of a packed bundle');
    return { mode, steps: [['install', source, '--to', out, ...optional('sha256', text(message.sha256))]] };
  }
  const calibration = optional('calibration', field('calibration'));
  const python = optional('python', text(dialog.python));
  if (mode === 'validate') {
    const validate = ['validate', out, ...optional('model', field('model')), ...calibration, ...python];
    return { mode, steps: [validate] };
  }
  const target = oneOf(bundleTargets, 'target', field('target') || 'rk3588');
  const toolkit = target === 'cpu' ? '' : oneOf(['', ...toolkitVersions], 'toolkit', field('toolkit'));
  const precision = oneOf(['', ...precisionChoices[target]], 'precision', field('precision'));
  const layers = precision === 'hybrid' ? text(dialog.int8Layers) : '';
  if (!areLayers(layers)) throw wrong('int8Layers', 'numbers with commas between them', layers);
  const convert = [
    'convert',
    ...['--model', required('model', 'a checkpoint’s folder or hub id'), '--out', out, '--target', target],
    ...optional('toolkit', toolkit),
    ...optional('precision', precision),
    ...optional('int8-layers', layers),
    ...calibration,
    ...(target === 'cpu' ? [] : python),
    ...((dialog.setup || message.setup === true) && target !== 'cpu' ? ['--setup'] : []),
  ];
  return { mode, steps: dialog.pack ? [convert, ['pack', out, '--out', `${out}.tar`]] : [convert] };
}

function oneOf<const Choice extends string>(
  choices: readonly Choice[],
  field: string,
  received: string,
): Choice {
  const choice = choices.find((each) => each === received);
  if (choice !== undefined) return choice;
  throw wrong(field, `one of ${choices.filter((each) => each !== '').join(', ')}`, received);
}

function text(value: unknown): string {
  return typeof value === 'string' ? value.trim() : '';
}

function wrong(field: string, expected: string, received: string): SmolvlmError {
  const what = received === '' ? 'nothing' : `"${received}"`;
  return new SmolvlmError('convert-input', `${field}: expected ${expected}, received ${what}`, {
    hint: `Fill the field in the node's dialog, or send msg.${field}.`,
  });
}
