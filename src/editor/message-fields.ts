import { nameTypedInput } from './typed-input-name';

/** Turns a field of the dialog into a typed input, with its type in the field `…Type`. */
function messageField(name: string, types: readonly string[]): void {
  const field = $(`#node-input-${name}`);
  field.typedInput({ default: 'msg', typeField: $(`#node-input-${name}Type`), types });
  nameTypedInput(field);
}

/** Marks a typed input that cannot be read; one that a flow file leaves out has the runtime's own value. */
export function typedField(
  typeField: string,
  { allowBlank = false } = {},
): NonNullable<EditorProperty['validate']> {
  const validate = RED.validators.typedInput({ typeField, allowBlank });
  // Of two arguments: only then does the editor take a text for a reason.
  return function (this: EditorNode, value: string | undefined, options) {
    return value === undefined || validate.call(this, value, options);
  };
}

const cameraTypes = ['msg', 'str', 'flow', 'global', 'jsonata', 'env'] as const;
/** Known without a message. */
const fixedCameraTypes = ['str', 'env'] as const;

/** Offers for the camera's name what the node can read: without a message, only texts. */
export function showCameraTypes(hasMessage: boolean): void {
  const field = $('#node-input-camera');
  const chosen = field.typedInput('type');
  const isFixed = fixedCameraTypes.some((each) => each === chosen);
  if (!hasMessage && !isFixed) field.typedInput('value', '').typedInput('type', 'str');
  field.typedInput('types', hasMessage ? cameraTypes : fixedCameraTypes);
}

interface MessageNode {
  readonly image?: string;
  readonly _def: { readonly defaults: Readonly<Record<string, EditorProperty>> };
}

/** The fields that say where in a message the picture and its camera are. */
export function messageFields({ image, _def: { defaults } }: MessageNode): void {
  // A flow written by hand may leave it out: then the runtime uses this one too.
  if (image === undefined) $('#node-input-image').val(String(defaults.image?.value));
  messageField('image', ['msg', 'flow', 'global', 'str', 'jsonata', 'env']);
  messageField('camera', cameraTypes);
}
