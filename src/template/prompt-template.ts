import Mustache from 'mustache';
import { SmolvlmError } from '../errors';
import { promptValue } from './prompt-value';

/**
 * Fills in a prompt as Node-RED's template node does: Mustache over the whole message, plus `{{time}}` (HH:MM) and
 * `{{date}}` (YYYY-MM-DD) of this machine's clock. Nothing is escaped: a prompt is not HTML.
 * @param what the template is, for the error
 * @throws SmolvlmError `prompt-mustache` if the template itself is invalid, `node-property` if a `{{…}}` is an object
 */
export function fillPrompt(template: string, message: object, now = new Date(), what = 'prompt'): string {
  return mustache(template, what, () =>
    new PromptWriter(what).render(template, { ...clock(now), ...message }, {}),
  );
}

/** @throws SmolvlmError `prompt-mustache` if the template is invalid, independent of the message */
export function checkTemplate(template: string, what = 'prompt'): void {
  mustache(template, what, () => void new PromptWriter(what).parse(template));
}

/** What a template can use besides the message's own properties. */
export interface TemplateView {
  readonly camera: string;
  /** The detected object: `msg.label`, or the label of a Frigate event in the payload. */
  readonly label: string;
  /** Number of pictures. */
  readonly frames: number;
}

/** The message with the additional fields for templates. */
export function templateView<M extends object>(message: M, camera: string, frames: number): M & TemplateView {
  return { ...message, camera, label: messageLabel(message), frames };
}

/** The fallback text; one that is not a valid template is used unchanged. */
export function fallbackText(template: string, message: object, camera: string): string {
  try {
    return fillPrompt(template, templateView(message, camera, 1), new Date(), 'fallback');
  } catch {
    return template;
  }
}

function messageLabel(message: { readonly label?: unknown; readonly payload?: unknown }): string {
  const event = fields(message.payload);
  const found = [message.label, fields(event.after).label, event.label].find(
    (label) => (typeof label === 'string' && label !== '') || typeof label === 'number',
  );
  return found === undefined ? '' : String(found);
}

function fields(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function clock(now: Date): { readonly time: string; readonly date: string } {
  const two = (value: number): string => String(value).padStart(2, '0');
  return {
    time: `${two(now.getHours())}:${two(now.getMinutes())}`,
    date: `${now.getFullYear()}-${two(now.getMonth() + 1)}-${two(now.getDate())}`,
  };
}

/**
 * Writes values as they are, and refuses those without a text. One per template: Mustache's global writer caches every
 * template forever, and messages may bring new ones.
 */
class PromptWriter extends Mustache.Writer {
  readonly #what: string;

  constructor(what: string) {
    super();
    this.#what = what;
  }

  override escapedValue(token: string[], context: Mustache.Context): string {
    return this.unescapedValue(token, context);
  }

  override unescapedValue([, name = '']: string[], context: Mustache.Context): string {
    return promptValue(context.lookup(name), `${this.#what}: {{${name}}}`);
  }
}

function mustache<T>(template: string, what: string, use: () => T): T | string {
  if (!template.includes('{{')) return template;
  try {
    return use();
  } catch (cause) {
    if (cause instanceof SmolvlmError) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new SmolvlmError('prompt-mustache', `the ${what} is not a valid Mustache template: ${reason}`, {
      hint: 'Close every {{…}}; a section {{#x}} needs its {{/x}}.',
      cause,
    });
  }
}
