import { defaultPrompt } from '../../protocol/default-prompt';
import { details } from '../../protocol/describe-request';
import type { CaptionResult, EngineEvent, Preparation } from '../../protocol/events';
import { minutesText } from '../../system/minutes-text';
import { editorNumber, type Translate } from '../editor-language';
import { editorFailure, errorLine, requestFailure } from '../error-line';
import { type DialogValues, engineRequest } from './engine-request';

/**
 * The tab "Try it" of smolvlm-engine: a picture, its caption, and the time that took.
 * @returns what ends the request under way, for when the dialog closes
 */
export function engineTry(tab: JQuery, dialog: () => DialogValues, translate: Translate): () => void {
  let picture: File | undefined;
  let pictureUrl: string | undefined;
  let request: JQuery.jqXHR | undefined;

  const file = $('<input>', { type: 'file', accept: 'image/*', id: 'smolvlm-try-file' });
  const preview = $('<img>', { class: 'smolvlm-try-picture', alt: '' }).hide();
  const drop = $('<label>', { class: 'smolvlm-try-drop', for: 'smolvlm-try-file' })
    .append(preview, $('<span>').text(translate('try.drop')), file)
    .appendTo(tab);
  const question = $('<input>', {
    type: 'text',
    id: 'smolvlm-try-prompt',
    placeholder: defaultPrompt,
    'aria-label': translate('try.question'),
  });
  const detail = $('<select>', { id: 'smolvlm-try-detail', 'aria-label': translate('try.detail') }).append(
    details.map((value) => $('<option>', { value }).text(translate(`try.${value}`))),
  );
  const button = $('<button>', { type: 'button', class: 'red-ui-button', id: 'smolvlm-try' })
    .text(translate('try.button'))
    .prop('disabled', true);
  $('<div>', { class: 'form-row smolvlm-try-ask' }).append(question, detail, button).appendTo(tab);
  const caption = $('<div>', { class: 'smolvlm-try-caption', 'aria-live': 'polite' }).appendTo(tab);
  const facts = $('<div>', { class: 'smolvlm-try-facts' }).appendTo(tab);
  $('<div>', { class: 'form-tips' }).text(translate('try.tip')).appendTo(tab);

  file.on('change', () => choose((file[0] as HTMLInputElement).files?.[0]));
  drop.on('dragover', (event) => {
    event.preventDefault();
    drop.addClass('smolvlm-try-over');
  });
  drop.on('dragleave', () => drop.removeClass('smolvlm-try-over'));
  drop.on('drop', (event) => {
    // The editor would import a dropped file as a flow.
    event.preventDefault();
    event.stopPropagation();
    drop.removeClass('smolvlm-try-over');
    choose(event.originalEvent?.dataTransfer?.files[0]);
  });
  button.on('click', ask);
  question.on('keydown', (event) => {
    if (event.key === 'Enter' && picture) {
      event.preventDefault();
      ask();
    }
  });

  function choose(chosen: File | undefined): void {
    if (!chosen) return;
    if (pictureUrl) URL.revokeObjectURL(pictureUrl);
    picture = chosen;
    pictureUrl = URL.createObjectURL(chosen);
    preview.attr('src', pictureUrl).show();
    button.prop('disabled', false);
    ask();
  }

  function ask(): void {
    request?.abort();
    caption.empty();
    facts.text(translate('try.sent'));
    const fields = { ...dialog(), prompt: question.val(), detail: detail.val() };
    let read = 0;
    const sent = engineRequest('smolvlm-engine/try', fields, picture, (text) => {
      if (sent !== request) return;
      const end = text.lastIndexOf('\n') + 1;
      for (const line of text.slice(read, end).split('\n')) if (line !== '') show(JSON.parse(line));
      read = end;
    });
    request = sent;
    sent.fail((xhr, reason) => {
      if (reason !== 'abort') facts.empty().append(errorLine(requestFailure(xhr)));
    });
  }

  function loading({ secondsLeft, ...parts }: Preparation): string {
    return secondsLeft === undefined
      ? translate('try.phase.loading', parts)
      : translate('try.loadingLeft', { ...parts, left: minutesText(secondsLeft) });
  }

  function show(event: EngineEvent): void {
    facts.removeAttr('title');
    switch (event.type) {
      case 'queued':
        facts.text(event.preparing ? loading(event.preparing) : translate('try.queued', event));
        break;
      case 'progress':
        if (event.warning) {
          facts.text(editorFailure(event.warning).words).attr('title', event.warning.message);
        } else
          facts.text(
            event.phase === 'loading' ? loading(event) : translate(`try.phase.${event.phase}`, event),
          );
        break;
      case 'token':
        caption.text(caption.text() + event.text);
        break;
      case 'result':
        caption.text(event.result.text);
        facts.empty().append(resultFacts(event.result, translate));
        break;
      case 'dropped':
        facts
          .text(translate('try.dropped', { message: editorFailure({ ...event, code: event.reason }).words }))
          .attr('title', event.message);
        break;
      case 'error':
        facts.empty();
        caption.empty().append(errorLine(event.error));
        break;
      case 'features':
        // The end of another kind of request.
        break;
    }
  }

  return () => {
    request?.abort();
    if (pictureUrl) URL.revokeObjectURL(pictureUrl);
  };
}

function resultFacts(
  { tiles, timingsMs, queuedMs, backend, model, fallback, cached }: CaptionResult,
  translate: Translate,
): JQuery[] {
  const seconds = (ms: number): string => editorNumber(ms / 1000, ms < 100 ? 3 : 2);
  const parts = (['image', 'vision', 'prefill', 'decode'] as const).map((part) =>
    translate(`try.part.${part}`, { seconds: seconds(timingsMs[part]) }),
  );
  const total = translate('try.total', { seconds: seconds(timingsMs.total), count: tiles, tiles });
  return [
    $('<div>', { class: 'smolvlm-try-total' }).text(total),
    $('<div>').text(parts.join(' · ')),
    $('<div>').text(translate('try.by', { model, backend, seconds: seconds(queuedMs) })),
    ...(cached ? [$('<div>').text(translate('try.cached'))] : []),
    ...(fallback ? [errorLine(fallback)] : []),
  ];
}
