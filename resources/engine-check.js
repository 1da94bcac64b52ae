// The tab "Check" of smolvlm-engine: the doctor's table of the engine that the dialog names.
window.smolvlm = window.smolvlm || {};

/**
 * @param {JQuery} tab
 * @param {() => object} dialog the fields as they are in the form now
 * @param {(key: string, values?: object) => string} translate
 */
window.smolvlm.engineCheck = (tab, dialog, translate) => {
  const marks = {
    ok: 'fa-check-circle',
    warn: 'fa-exclamation-triangle',
    bad: 'fa-times-circle',
    info: 'fa-info-circle',
  };
  const row = $('<div>', { class: 'form-row' }).appendTo(tab);
  const button = $('<button>', { type: 'button', class: 'red-ui-button', id: 'smolvlm-engine-check' })
    .append($('<i>', { class: 'fa fa-stethoscope' }), ' ', $('<span>').text(translate('check.button')))
    .appendTo(row);
  const found = $('<div>', { class: 'smolvlm-check', 'aria-live': 'polite' }).appendTo(tab);
  $('<div>', { class: 'form-tips' }).text(translate('check.tip')).appendTo(tab);

  button.on('click', () => {
    button.prop('disabled', true);
    found.empty().append($('<i>', { class: 'fa fa-spinner fa-spin' }), ` ${translate('check.asking')}`);
    window.smolvlm
      .engineRequest('smolvlm-engine/check', dialog())
      .done((answer) => {
        found.empty().append(answer.error ? window.smolvlm.errorLine(answer.error) : report(answer));
      })
      .fail((xhr) => {
        found.empty().text(translate('failed', { reason: xhr.statusText }));
      })
      .always(() => button.prop('disabled', false));
  });

  function report({ status, doctor }) {
    const memory = Math.round(status.memory.rssBytes / 1024 ** 2);
    const lines = [translate('check.engine', { ...status, memory })];
    for (const model of status.models) lines.push(translate('check.model', model));
    return [
      $('<div>', { class: 'smolvlm-check-engine' }).append(lines.map((line) => $('<div>').text(line))),
      verdict(doctor.can),
      table(doctor.checks),
    ];
  }

  function verdict(can) {
    return $('<ul>', { class: 'smolvlm-check-can' }).append(
      Object.entries(can).map(([purpose, possible]) =>
        $('<li>', { 'data-can': purpose, class: `smolvlm-${possible ? 'ok' : 'info'}` }).append(
          $('<i>', { class: `fa ${possible ? 'fa-check' : 'fa-minus'}`, 'aria-hidden': 'true' }),
          ' ',
          // As text: an engine elsewhere may name a purpose that this catalog does not know.
          $('<span>').text(
            translate('check.verdict', {
              purpose: translate(`check.can.${purpose}`),
              answer: translate(possible ? 'check.yes' : 'check.no'),
            }),
          ),
        ),
      ),
    );
  }

  function table(checks) {
    const body = $('<tbody>');
    for (const { id, title, state, value, advice } of checks) {
      const said = translate(`check.state.${state}`);
      const mark = $('<i>', { class: `fa ${marks[state]}`, role: 'img', title: said, 'aria-label': said });
      // An engine elsewhere may know of more than this catalog; names of programs are in none.
      const named = translate(`check.title.${id}`, { defaultValue: title });
      const cell = $('<td>').append($('<div>').text(value));
      if (advice) $('<div>', { class: 'smolvlm-check-advice' }).text(advice).appendTo(cell);
      $('<tr>', { 'data-check': id, class: `smolvlm-${state}` })
        .append($('<td>').append(mark), $('<th>', { scope: 'row' }).text(named), cell)
        .appendTo(body);
    }
    return $('<table>').append(body);
  }
};
