import type { ErrorBody } from '../../errors';
import type { DoctorReport, DoctorState } from '../../protocol/doctor-report';
import type { EngineStatus } from '../../protocol/engine-status';
import type { Translate } from '../editor-language';
import { errorLine, requestFailure } from '../error-line';
import { checkWords } from './check-words';
import { type DialogValues, engineRequest } from './engine-request';

type EngineCheck =
  | { readonly error: ErrorBody }
  | { readonly error?: undefined; readonly status: EngineStatus; readonly doctor: DoctorReport };

const marks: Readonly<Record<DoctorState, string>> = {
  ok: 'fa-check-circle',
  warn: 'fa-exclamation-triangle',
  bad: 'fa-times-circle',
  info: 'fa-info-circle',
};

/** The tab "Check" of smolvlm-engine: the doctor's table of the engine that the dialog names. */
export function engineCheck(tab: JQuery, dialog: () => DialogValues, translate: Translate): void {
  const row = $('<div>', { class: 'form-row' }).appendTo(tab);
  const button = $('<button>', { type: 'button', class: 'red-ui-button', id: 'smolvlm-engine-check' })
    .append($('<i>', { class: 'fa fa-stethoscope' }), ' ', $('<span>').text(translate('check.button')))
    .appendTo(row);
  const found = $('<div>', { class: 'smolvlm-check', 'aria-live': 'polite' }).appendTo(tab);
  $('<div>', { class: 'form-tips' }).text(translate('check.tip')).appendTo(tab);

  button.on('click', () => {
    button.prop('disabled', true);
    found.empty().append($('<i>', { class: 'fa fa-spinner fa-spin' }), ` ${translate('check.asking')}`);
    engineRequest('smolvlm-engine/check', dialog())
      .done((answer: EngineCheck) => {
        found.empty().append(answer.error ? errorLine(answer.error) : report(answer, translate));
      })
      .fail((xhr) => {
        found.empty().append(errorLine(requestFailure(xhr)));
      })
      .always(() => button.prop('disabled', false));
  });
}

function report({ status, doctor }: EngineCheck & { error?: undefined }, translate: Translate): JQuery[] {
  const memory = Math.round(status.memory.rssBytes / 1024 ** 2);
  const lines = [translate('check.engine', { ...status, memory })];
  for (const model of status.models) lines.push(translate('check.model', model));
  return [
    $('<div>', { class: 'smolvlm-check-engine' }).append(lines.map((line) => $('<div>').text(line))),
    verdict(doctor.can, translate),
    table(doctor.checks, translate),
  ];
}

function verdict(can: DoctorReport['can'], translate: Translate): JQuery {
  return $('<ul>', { class: 'smolvlm-check-can' }).append(
    Object.entries(can).map(([purpose, possible]) =>
      $('<li>', { 'data-can': purpose, class: `smolvlm-${possible ? 'ok' : 'info'}` }).append(
        $('<i>', { class: `fa fa-fw ${possible ? 'fa-check' : 'fa-minus'}`, 'aria-hidden': 'true' }),
        ' ',
        // As text: a remote engine may name a purpose that this catalog lacks.
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

function table(checks: DoctorReport['checks'], translate: Translate): JQuery {
  const body = $('<tbody>');
  for (const check of checks) {
    const { id, title, state } = check;
    const { value, advice } = checkWords(check, translate);
    const said = translate(`check.state.${state}`);
    const mark = $('<i>', { class: `fa ${marks[state]}`, role: 'img', title: said, 'aria-label': said });
    // A remote engine may have checks that this catalog lacks; names of programs are in none.
    const named = translate(`check.title.${id}`, { defaultValue: title });
    const cell = $('<td>').append($('<div>', { lang: value.lang }).text(value.text));
    if (advice)
      $('<div>', { class: 'smolvlm-check-advice', lang: advice.lang }).text(advice.text).appendTo(cell);
    $('<tr>', { 'data-check': id, class: `smolvlm-${state}` })
      .append($('<td>').append(mark), $('<th>', { scope: 'row' }).text(named), cell)
      .appendTo(body);
  }
  return $('<table>', { lang: translate('language') }).append(body);
}
