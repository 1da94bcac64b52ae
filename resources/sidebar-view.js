// What the sidebar shows of one engine.
window.smolvlm = window.smolvlm || {};

/** @param {(key: string, values?: object) => string} translate */
window.smolvlm.SidebarEngine = class {
  constructor(translate) {
    this.translate = translate;
    this.lastSequence = 0;
    this.title = $('<div>', { class: 'smolvlm-engine-title' });
    this.state = $('<div>', { class: 'smolvlm-engine-state' });
    this.frames = $('<ol>', { class: 'smolvlm-frames', 'aria-label': translate('frames') });
    this.element = $('<section>', { class: 'smolvlm-engine' }).append(this.title, this.state, this.frames);
  }

  /** @param {object} engine an entry of the overview; its frames are only those that are new */
  update(engine) {
    const { name, id, model, place, state, status, error, frames, oldestSequence } = engine;
    this.element.attr('data-engine', id);
    this.title
      .empty()
      .append(
        $('<i>', { class: 'fa fa-circle', 'data-state': state, 'aria-hidden': 'true' }),
        $('<strong>').text(name || model || place),
        $('<span>').text(this.translate(`state.${state}`)),
      );
    this.state.empty();
    if (error) this.state.append(window.smolvlm.errorLine(error));
    if (status) this.state.append(this.facts(place, status), this.models(status), this.cores(status));
    if (status) this.state.append(this.queues(status.cameras), this.errors(status.lastErrors));
    this.frames.children().each((_, item) => {
      if ($(item).data('sequence') < oldestSequence) $(item).remove();
    });
    for (const frame of frames) {
      this.frames.prepend(this.frame(frame));
      this.lastSequence = frame.sequence;
    }
  }

  facts(place, { version, uptimeMs, memory }) {
    const megabytes = (bytes) => Math.round(bytes / 1024 ** 2);
    const used = megabytes(memory.rssBytes);
    return $('<div>', { class: 'smolvlm-engine-facts' }).append(
      $('<div>').text(
        this.translate('engine', {
          place: place === 'local' ? this.translate('local') : place,
          version,
          uptime: this.duration(uptimeMs),
        }),
      ),
      $('<div>').text(this.translate('memory', { used, limit: megabytes(memory.modelLimitBytes) })),
    );
  }

  models({ models }) {
    return models.map(({ model, backend, fallback }) =>
      $('<div>', { class: 'smolvlm-model' }).append(
        $('<div>').text(this.translate('model', { model, backend })),
        fallback ? window.smolvlm.errorLine(fallback) : undefined,
      ),
    );
  }

  cores({ coreLoad }) {
    if (coreLoad.length === 0) return undefined;
    const bars = coreLoad.map((share, core) => {
      const percent = Math.round(share * 100);
      const text = this.translate('core', { core, percent });
      return $('<div>', {
        class: 'smolvlm-core',
        role: 'meter',
        'aria-valuenow': percent,
        title: text,
      }).append($('<div>', { class: 'smolvlm-core-load' }).width(`${percent}%`), $('<span>').text(text));
    });
    return $('<div>', { class: 'smolvlm-cores', 'aria-label': this.translate('cores') }).append(bars);
  }

  queues(cameras) {
    const entries = Object.entries(cameras);
    if (entries.length === 0) return undefined;
    const columns = ['waiting', 'running', 'done', 'dropped', 'failed'];
    const head = ['camera', ...columns].map((column) =>
      $('<th>', { scope: 'col' }).text(this.translate(`queue.${column}`)),
    );
    const rows = entries.map(([camera, counts]) => {
      const dropped = Object.values(counts.dropped).reduce((sum, count) => sum + count, 0);
      const why = Object.entries(counts.dropped).map(([reason, count]) =>
        this.translate(`why.${reason}`, { number: count }),
      );
      return $('<tr>', { 'data-camera': camera }).append(
        $('<th>', { scope: 'row' }).text(camera || this.translate('noCamera')),
        columns.map((column) =>
          $('<td>', { 'data-count': column, title: column === 'dropped' ? why.join(', ') : '' }).text(
            column === 'dropped' ? dropped : counts[column],
          ),
        ),
      );
    });
    return $('<table>', { class: 'smolvlm-queues' }).append(
      $('<thead>').append($('<tr>').append(head)),
      $('<tbody>').append(rows),
    );
  }

  /** The engine's own, from whatever program asked; the newest ones. */
  errors(lastErrors) {
    if (lastErrors.length === 0) return undefined;
    return $('<details>', { class: 'smolvlm-errors' }).append(
      $('<summary>').text(this.translate('errors', { number: lastErrors.length })),
      [...lastErrors]
        .reverse()
        .map(({ at, camera, error }) =>
          $('<div>').append(
            $('<span>', { class: 'smolvlm-frame-head' }).text(`${this.time(at)} ${camera}`),
            window.smolvlm.errorLine(error),
          ),
        ),
    );
  }

  frame({ sequence, at, camera, prompt, text, totalMs, queuedMs, fallback, thumbnail, error }) {
    const seconds = (ms) => window.smolvlm.editorNumber(ms / 1000, 1);
    const words = $('<div>', { class: 'smolvlm-frame-words' }).append(
      $('<div>', { class: 'smolvlm-frame-head' }).text(`${this.time(at)} ${camera}`),
      error ? window.smolvlm.errorLine(error) : $('<div>', { title: prompt }).text(text),
    );
    if (totalMs !== undefined) {
      const took = this.translate('took', { seconds: seconds(totalMs), queued: seconds(queuedMs) });
      $('<div>', { class: 'smolvlm-frame-head' }).text(took).appendTo(words);
    }
    if (fallback) {
      $('<div>', { class: 'smolvlm-frame-fallback' }).text(this.translate('onCpu', fallback)).appendTo(words);
    }
    const picture = thumbnail
      ? $('<img>', { src: `data:image/jpeg;base64,${thumbnail}`, alt: text ?? '' })
      : $('<i>', { class: 'fa fa-picture-o', 'aria-hidden': 'true' });
    return $('<li>')
      .data('sequence', sequence)
      .append($('<div>', { class: 'smolvlm-frame-picture' }).append(picture), words);
  }

  time(at) {
    return new Date(at).toLocaleTimeString(window.smolvlm.editorLocale());
  }

  duration(ms) {
    const minutes = Math.floor(ms / 60_000);
    if (minutes < 60) return this.translate('uptime.minutes', { number: minutes });
    return minutes < 48 * 60
      ? this.translate('uptime.hours', { number: Math.floor(minutes / 60) })
      : this.translate('uptime.days', { number: Math.floor(minutes / 1440) });
  }
};
