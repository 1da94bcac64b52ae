// The sidebar of the smolvlm nodes: every engine, live as long as somebody looks at it.
window.smolvlm = window.smolvlm || {};

/** @param {(key: string, values?: object) => string} translate */
window.smolvlm.sidebar = (translate) => {
  const id = 'smolvlm-sidebar';
  const pollMs = 2_000;
  const hiddenSetting = 'smolvlm-sidebar-hidden';
  const engines = new Map();
  let content;
  let list;
  let timer;

  function add() {
    engines.clear();
    list = $('<div>');
    const hide = $('<button>', { type: 'button', class: 'red-ui-button red-ui-button-small' })
      .text(translate('hide'))
      .on('click', remove);
    content = $('<div>', { class: 'smolvlm-sidebar' }).append(
      list,
      $('<div>', { class: 'smolvlm-sidebar-foot' }).append(hide),
    );
    const hidden = RED.settings.get(hiddenSetting, false);
    RED.sidebar.addTab({
      id,
      label: translate('label'),
      name: translate('name'),
      iconClass: 'fa fa-video-camera',
      content,
      enableOnEdit: true,
      visible: !hidden,
      onchange: () => {
        if (RED.settings.get(hiddenSetting, false)) RED.settings.set(hiddenSetting, false);
        poll();
      },
    });
  }

  /** The tab goes; its entry in the menu View stays, and brings it back. */
  function remove() {
    RED.settings.set(hiddenSetting, true);
    RED.sidebar.removeTab(id);
    add();
    RED.notify(translate('hidden'), { type: 'compact', timeout: 5_000 });
  }

  function poll() {
    clearTimeout(timer);
    timer = setTimeout(poll, pollMs);
    if (document.hidden || !content.is(':visible')) return;
    const known = [...engines].map(([engine, view]) => `${engine}:${view.lastSequence}`).join(',');
    $.getJSON('smolvlm-sidebar/engines', { known })
      .done((answer) => show(answer.engines))
      .fail(() => list.children('.smolvlm-sidebar-word').remove().end().prepend(word('unreachable')));
  }

  function show(seen) {
    list.children('.smolvlm-sidebar-word').remove();
    if (seen.length === 0) list.append(word('none'));
    for (const [engine, view] of engines) {
      if (seen.some((each) => each.id === engine)) continue;
      view.element.remove();
      engines.delete(engine);
    }
    for (const engine of seen) {
      let view = engines.get(engine.id);
      if (!view) {
        view = new window.smolvlm.SidebarEngine(translate);
        engines.set(engine.id, view);
        list.append(view.element);
      }
      view.update(engine);
    }
  }

  function word(key) {
    return $('<div>', { class: 'smolvlm-sidebar-word' }).text(translate(key));
  }

  add();
  poll();
  // The palette manager takes the nodes away without loading the editor again.
  RED.events.on('registry:node-type-removed', (type) => {
    if (type !== 'smolvlm-engine') return;
    clearTimeout(timer);
    RED.sidebar.removeTab(id);
  });
};
