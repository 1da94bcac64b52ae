import type { ListedEngine } from '../../node-red/engine/engine-overview';
import type { Translate } from '../editor-language';
import { SidebarEngine } from './sidebar-engine';

const id = 'smolvlm-sidebar';
/** Between an answer and the next request. */
const pollMs = 2_000;
/** Node-RED itself waits up to 2 s for engines. */
const answerMs = 10_000;
const hiddenSetting = 'smolvlm-sidebar-hidden';

/** The sidebar of the smolvlm nodes: every engine, updated as long as the tab is visible. */
export function sidebar(translate: Translate): void {
  const engines = new Map<string, SidebarEngine>();
  let content: JQuery;
  let list: JQuery;
  let pageLink: JQuery;
  let timer: number | undefined;
  let isAsking = false;
  let isRemoved = false;

  function add(): void {
    engines.clear();
    list = $('<div>');
    // Relative: the editor may be served below a path.
    pageLink = $('<a>', {
      href: 'smolvlm-timeline/',
      target: '_blank',
      rel: 'noopener',
      class: 'red-ui-button red-ui-button-small smolvlm-captions-page',
    })
      .text(translate('openPage'))
      .hide();
    const hide = $('<button>', { type: 'button', class: 'red-ui-button red-ui-button-small' })
      .text(translate('hide'))
      .on('click', remove);
    content = $('<div>', { class: 'smolvlm-sidebar' }).append(
      list,
      $('<div>', { class: 'smolvlm-sidebar-foot' }).append(pageLink, ' ', hide),
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

  /** Removes the tab; its entry in the View menu stays, and brings it back. */
  function remove(): void {
    RED.settings.set(hiddenSetting, true);
    RED.sidebar.removeTab(id);
    add();
    RED.notify(translate('hidden'), { type: 'compact', timeout: 5_000 });
  }

  function poll(): void {
    // One request at a time; the next follows its answer.
    if (isAsking) return;
    clearTimeout(timer);
    if (document.hidden || !content.is(':visible')) {
      timer = setTimeout(poll, pollMs);
      return;
    }
    isAsking = true;
    const known = [...engines].map(([engine, view]) => `${engine}:${view.lastSequence}`).join(',');
    $.ajax({ url: 'smolvlm-sidebar/engines', data: { known }, dataType: 'json', timeout: answerMs })
      .done((answer: { readonly engines: readonly ListedEngine[] }) => show(answer.engines))
      .fail(() => list.children('.smolvlm-sidebar-word').remove().end().prepend(word('unreachable')))
      .always(() => {
        isAsking = false;
        if (!isRemoved) timer = setTimeout(poll, pollMs);
      });
  }

  function show(listed: readonly ListedEngine[]): void {
    pageLink.toggle(RED.nodes.filterNodes({ type: 'smolvlm-timeline' }).length > 0);
    list.children('.smolvlm-sidebar-word').remove();
    if (listed.length === 0) list.append(word('none'));
    for (const [engine, view] of engines) {
      if (listed.some((each) => each.id === engine)) continue;
      view.element.remove();
      engines.delete(engine);
    }
    for (const engine of listed) {
      let view = engines.get(engine.id);
      if (!view) {
        view = new SidebarEngine(translate);
        engines.set(engine.id, view);
        list.append(view.element);
      }
      view.update(engine);
    }
  }

  function word(key: string): JQuery {
    return $('<div>', { class: 'smolvlm-sidebar-word' }).text(translate(key));
  }

  add();
  poll();
  // The palette manager removes the nodes without loading the editor again.
  RED.events.on('registry:node-type-removed', (type) => {
    if (type !== 'smolvlm-engine') return;
    isRemoved = true;
    clearTimeout(timer);
    RED.sidebar.removeTab(id);
  });
}
