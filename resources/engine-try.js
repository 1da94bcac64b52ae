// The tab "Try it" of smolvlm-engine: a picture, what the model says of it, and what that took.
window.smolvlm = window.smolvlm || {};

/**
 * @param {JQuery} tab
 * @param {() => object} dialog the fields as they are in the form now
 * @param {(key: string, values?: object) => string} translate
 * @returns {() => void} ends what is under way, when the dialog closes
 */
window.smolvlm.engineTry = (tab, dialog, translate) => {
  const { errorLine, engineRequest, editorNumber } = window.smolvlm;
  // What the engine takes when the field is empty: words for the model, in no catalog.
  const defaultPrompt = 'Describe this image.';
  let picture;
  let pictureUrl;
  let request;

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
    ['low', 'full'].map((value) => $('<option>', { value }).text(translate(`try.${value}`))),
  );
  const button = $('<button>', { type: 'button', class: 'red-ui-button', id: 'smolvlm-try' })
    .text(translate('try.button'))
    .prop('disabled', true);
  $('<div>', { class: 'form-row smolvlm-try-ask' }).append(question, detail, button).appendTo(tab);
  const caption = $('<div>', { class: 'smolvlm-try-caption', 'aria-live': 'polite' }).appendTo(tab);
  const facts = $('<div>', { class: 'smolvlm-try-facts' }).appendTo(tab);
  $('<div>', { class: 'form-tips' }).text(translate('try.tip')).appendTo(tab);

  file.on('change', () => choose(file[0].files[0]));
  drop.on('dragover', (event) => {
    event.preventDefault();
    drop.addClass('smolvlm-try-over');
  });
  drop.on('dragleave', () => drop.removeClass('smolvlm-try-over'));
  drop.on('drop', (event) => {
    // The editor would take a file that is dropped for a flow to import.
    event.preventDefault();
    event.stopPropagation();
    drop.removeClass('smolvlm-try-over');
    choose(event.originalEvent.dataTransfer.files[0]);
  });
  button.on('click', ask);
  question.on('keydown', (event) => {
    if (event.key === 'Enter' && picture) {
      event.preventDefault();
      ask();
    }
  });

  function choose(chosen) {
    if (!chosen) return;
    if (pictureUrl) URL.revokeObjectURL(pictureUrl);
    picture = chosen;
    pictureUrl = URL.createObjectURL(chosen);
    preview.attr('src', pictureUrl).show();
    button.prop('disabled', false);
    ask();
  }

  function ask() {
    request?.abort();
    caption.empty();
    facts.text(translate('try.sent'));
    const fields = { ...dialog(), prompt: question.val(), detail: detail.val() };
    let read = 0;
    const asked = engineRequest('smolvlm-engine/try', fields, picture, (text) => {
      if (asked !== request) return;
      const end = text.lastIndexOf('\n') + 1;
      for (const line of text.slice(read, end).split('\n')) if (line !== '') show(JSON.parse(line));
      read = end;
    });
    request = asked;
    asked.fail((xhr, reason) => {
      if (reason !== 'abort') facts.text(translate('failed', { reason: xhr.statusText }));
    });
  }

  function show(event) {
    switch (event.type) {
      case 'queued':
        facts.text(translate('try.queued', event));
        break;
      case 'progress':
        facts.text(event.warning ? event.warning.message : translate(`try.phase.${event.phase}`, event));
        break;
      case 'token':
        caption.text(caption.text() + event.text);
        break;
      case 'result':
        showResult(event.result);
        break;
      case 'dropped':
        facts.text(translate('try.dropped', event));
        break;
      case 'error':
        facts.empty();
        caption.empty().append(errorLine(event.error));
        break;
    }
  }

  function showResult({ text, tiles, timingsMs, queuedMs, backend, model, fallback, cached }) {
    caption.text(text);
    const seconds = (ms) => editorNumber(ms / 1000, ms < 100 ? 3 : 2);
    const parts = ['image', 'vision', 'prefill', 'decode'].map((part) =>
      translate(`try.part.${part}`, { seconds: seconds(timingsMs[part]) }),
    );
    facts
      .empty()
      .append(
        $('<div>', { class: 'smolvlm-try-total' }).text(
          translate('try.total', { seconds: seconds(timingsMs.total), count: tiles, tiles }),
        ),
        $('<div>').text(parts.join(' · ')),
        $('<div>').text(translate('try.by', { model, backend, seconds: seconds(queuedMs) })),
        cached ? $('<div>').text(translate('try.cached')) : undefined,
        fallback ? errorLine(fallback) : undefined,
      );
  }

  return () => {
    request?.abort();
    if (pictureUrl) URL.revokeObjectURL(pictureUrl);
  };
};
