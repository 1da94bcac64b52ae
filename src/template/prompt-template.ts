import Mustache from 'mustache';
import { SmolvlmError } from '../errors';

/**
 * Fills a prompt in as Node-RED's template node does: Mustache over the whole message, `{{time}}` (HH:MM) and
 * `{{date}}` (YYYY-MM-DD) of this machine's clock. Nothing is escaped: a prompt is no HTML.
 * @param what the template is, for the error
 * @throws SmolvlmError `prompt-mustache` when the template itself is broken
 */
export function fillPrompt(template: string, message: object, now = new Date(), what = 'prompt'): string {
  return mustache(template, what, () =>
    writer().render(template, { ...clock(now), ...message }, {}, { escape: String }),
  );
}

/** @throws SmolvlmError `prompt-mustache` when the template is broken, whatever it is filled with */
export function checkTemplate(template: string, what = 'prompt'): void {
  mustache(template, what, () => void writer().parse(template));
}

/** What templates know besides the message's own properties. */
export interface TemplateView {
  readonly camera: string;
  /** What was detected: `msg.label`, or Frigate's own place for it in the payload. */
  readonly label: string;
  /** Pictures of the question. */
  readonly frames: number;
}

/** The message as templates see it. */
export function templateView<M extends object>(message: M, camera: string, frames: number): M & TemplateView {
  return { ...message, camera, label: messageLabel(message), frames };
}

/** The text that stands in for a caption; one that is no template is taken as it is. */
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

/** One for each template: Mustache's own keeps every template for good, and messages bring new ones all day. */
function writer(): Mustache.Writer {
  return new Mustache.Writer();
}

function mustache<T>(template: string, what: string, use: () => T): T | string {
  if (!template.includes('{{')) return template;
  try {
    return use();
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new SmolvlmError('prompt-mustache', `the ${what} is no Mustache template: ${reason}`, {
      hint: 'Close every {{…}}; a section {{#x}} needs its {{/x}}.',
      cause,
    });
  }
}
