import type { Translate } from '../editor-language';
import type { FrameShapes } from './frame-shapes';

/** Lists the shapes below the canvas: each can be removed, and zones can be renamed. */
export function frameShapeList(
  list: JQuery,
  { masks, zones }: FrameShapes,
  { shapeWord, onChange }: { readonly shapeWord: Translate; readonly onChange: () => void },
): void {
  list.empty();
  const row = (label: JQuery, remove: () => void): void => {
    const button = $('<button>', {
      type: 'button',
      class: 'red-ui-button red-ui-button-small',
      'aria-label': shapeWord('remove'),
      title: shapeWord('remove'),
    }).append($('<i class="fa fa-trash-o"></i>'));
    button.on('click', () => {
      remove();
      onChange();
    });
    $('<li>').append(label, button).appendTo(list);
  };
  for (const [index, mask] of masks.entries()) {
    const words = shapeWord('maskOf', { number: index + 1, corners: mask.length });
    row($('<span>').text(words), () => masks.splice(index, 1));
  }
  for (const [index, zone] of zones.entries()) {
    const name = $('<input>', { type: 'text', 'aria-label': shapeWord('name') }).val(zone.name);
    name.on('change', () => {
      const entered = String(name.val()).trim();
      const isTaken = zones.some((other) => other !== zone && other.name === entered);
      if (entered !== '' && !isTaken) zone.name = entered;
      onChange();
    });
    row(name, () => zones.splice(index, 1));
  }
}
