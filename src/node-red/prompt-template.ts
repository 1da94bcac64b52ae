import Mustache from 'mustache';
import { SmolvlmError } from '../errors';

/**
 * Fills a prompt in as Node-RED's template node does: Mustache over the whole message, and `{{time}}`.
 * Nothing is escaped: a prompt is no HTML.
 * @throws SmolvlmError `prompt-mustache` when the template itself is broken
 */
export function fillPrompt(template: string, message: object, now = new Date()): string {
  if (!template.includes('{{')) return template;
  const view = { time: now.toLocaleTimeString(), date: now.toLocaleDateString(), ...message };
  try {
    return Mustache.render(template, view, {}, { escape: String });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new SmolvlmError('prompt-mustache', `the prompt is no Mustache template: ${reason}`, {
      hint: 'Close every {{…}}; a section {{#x}} needs its {{/x}}.',
      cause,
    });
  }
}
