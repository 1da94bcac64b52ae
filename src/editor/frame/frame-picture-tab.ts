import type { Translate } from '../editor-language';
import { type DrawingMode, FrameCanvas } from './frame-canvas';
import { frameShapeList } from './frame-shape-list';
import type { FrameShapes } from './frame-shapes';

/** The node whose tab this is, with its shapes as they are saved. */
export interface ShapesNode {
  readonly id: string;
  readonly masks?: unknown;
  readonly zones?: unknown;
}

export interface PictureTab {
  /** As drawn so far. */
  readonly shapes: FrameShapes;
  draw(): void;
  /** Closes a mask that is open. */
  finish(): void;
}

/** The tab "Picture" of smolvlm-frame: masks and zones, drawn on the node's last picture. */
export function framePictureTab(node: ShapesNode, shapeWord: Translate): PictureTab {
  const shapes: FrameShapes = { masks: copyOf(node.masks), zones: copyOf(node.zones) };
  const note = (key?: string): void => {
    $('#smolvlm-frame-note').text(key ? shapeWord(key) : '');
  };
  const list = (): void => frameShapeList($('#smolvlm-frame-shapes'), shapes, { shapeWord, onChange });
  const canvas = $<HTMLCanvasElement>('#smolvlm-frame-canvas')[0] as HTMLCanvasElement;
  const drawing = new FrameCanvas(canvas, shapes, {
    onChange: list,
    onNote: note,
    zoneName: (number) => shapeWord('zoneName', { number }),
  });

  function onChange(): void {
    drawing.draw();
    list();
  }

  function choose(mode: DrawingMode): void {
    drawing.setMode(mode);
    $('#smolvlm-frame-mask').toggleClass('selected', mode === 'mask');
    $('#smolvlm-frame-zone').toggleClass('selected', mode === 'zone');
    note(mode === 'mask' ? 'howMask' : 'howZone');
  }

  function showLast(): void {
    $.ajax({
      url: `smolvlm-frame/${encodeURIComponent(node.id)}/sample`,
      xhrFields: { responseType: 'blob' },
    })
      .done((blob: Blob, _status, request) => {
        if (request.status === 204) note('none');
        else drawing.show(blob);
      })
      .fail(() => note('refused'));
  }

  $('#smolvlm-frame-mask').on('click', () => choose('mask'));
  $('#smolvlm-frame-zone').on('click', () => choose('zone'));
  $('#smolvlm-frame-last').on('click', showLast);
  const file = $<HTMLInputElement>('#smolvlm-frame-file');
  $('#smolvlm-frame-open').on('click', () => file.trigger('click'));
  file.on('change', () => {
    const chosen = file[0]?.files?.[0];
    if (chosen) drawing.show(chosen);
  });
  choose('mask');
  showLast();
  return { shapes, draw: () => drawing.draw(), finish: () => drawing.finish() };
}

function copyOf<Shape>(shapes: unknown): Shape[] {
  return JSON.parse(JSON.stringify(Array.isArray(shapes) ? shapes : [])) as Shape[];
}
