import {
  cornersOf,
  type FrameShapes,
  isZoneSize,
  type Point,
  rectangle,
  rounded,
  type Zone,
} from './frame-shapes';

/** How near to a corner counts as on it, in pixels of the screen. */
const reach = 10;
const longestSide = 960;
const colours = { mask: '#e05252', zone: '#21d07a', open: '#ffb300' };

export type DrawingMode = 'mask' | 'zone';

export interface DrawingHooks {
  readonly onChange: () => void;
  /** @param key of a text; absent when there is nothing to say */
  readonly onNote: (key?: string) => void;
  readonly zoneName: (number: number) => string;
}

/** Privacy masks (polygons) and zones (rectangles), drawn on a sample picture with mouse, pen or finger. */
export class FrameCanvas {
  readonly #canvas: HTMLCanvasElement;
  readonly #context: CanvasRenderingContext2D;
  /** Changed in place. */
  readonly #shapes: FrameShapes;
  readonly #hooks: DrawingHooks;
  #mode: DrawingMode = 'mask';
  #picture: HTMLImageElement | undefined;
  /** Corners of a mask that is not closed yet. */
  #open: Point[] = [];
  /** The first corner of a zone that is being drawn. */
  #from: Point | undefined;
  /** Where the pointer is, while something is open. */
  #to: Point | undefined;
  /** Moves the corner that is held. */
  #drag: ((point: Point) => void) | undefined;

  constructor(canvas: HTMLCanvasElement, shapes: FrameShapes, hooks: DrawingHooks) {
    this.#canvas = canvas;
    this.#context = canvas.getContext('2d') as CanvasRenderingContext2D;
    this.#shapes = shapes;
    this.#hooks = hooks;
    canvas.width = 640;
    canvas.height = 360;
    this.#listen();
    this.draw();
  }

  /** @param mode what the next corner begins */
  setMode(mode: DrawingMode): void {
    this.finish();
    this.#mode = mode;
  }

  /** Closes the mask that is open; one of fewer than three corners is dropped. */
  finish(): void {
    if (this.#open.length >= 3) this.#shapes.masks.push(this.#open);
    this.#open = [];
    this.#to = undefined;
    this.#hooks.onNote();
    this.#changed();
  }

  /** @param file a picture; the browser turns it upright, as the node does */
  show(file: Blob): void {
    const address = URL.createObjectURL(file);
    const image = new Image();
    image.onload = () => {
      const canvas = this.#canvas;
      canvas.width = Math.min(longestSide, image.naturalWidth);
      canvas.height = Math.max(1, Math.round((canvas.width * image.naturalHeight) / image.naturalWidth));
      this.#picture = image;
      URL.revokeObjectURL(address);
      this.draw();
    };
    image.onerror = () => {
      URL.revokeObjectURL(address);
      this.#hooks.onNote('unreadable');
    };
    image.src = address;
  }

  draw(): void {
    const context = this.#context;
    const { width, height } = this.#canvas;
    context.fillStyle = '#777';
    context.fillRect(0, 0, width, height);
    if (this.#picture) context.drawImage(this.#picture, 0, 0, width, height);
    context.lineWidth = 2 * this.#scale();
    for (const mask of this.#shapes.masks) {
      this.#trace(mask);
      context.closePath();
      context.fillStyle = 'rgba(0, 0, 0, 0.85)';
      context.fill();
      context.strokeStyle = colours.mask;
      context.stroke();
      this.#drawCorners(mask, colours.mask);
    }
    for (const zone of this.#shapes.zones) this.#drawZone(zone);
    if (this.#open.length > 0) {
      this.#trace(this.#to ? [...this.#open, this.#to] : this.#open);
      context.strokeStyle = colours.open;
      context.stroke();
      this.#drawCorners(this.#open, colours.open);
    }
    if (this.#from && this.#to) this.#drawZone({ name: '', ...rectangle(this.#from, this.#to) });
  }

  #listen(): void {
    const canvas = this.#canvas;
    canvas.addEventListener('pointerdown', (event) => this.#press(event));
    canvas.addEventListener('pointermove', (event) => this.#move(event));
    canvas.addEventListener('pointerup', (event) => this.#release(event));
    canvas.addEventListener('pointercancel', () => {
      this.#letGo();
      this.#changed();
    });
    canvas.addEventListener('dblclick', () => {
      // The second click of the two put a corner on the last one.
      if (this.#open.length === 0) return;
      this.#open.pop();
      this.finish();
    });
    canvas.addEventListener('keydown', (event) => {
      if (event.key === 'Enter') this.finish();
      else if (event.key === 'Backspace') this.#open.pop();
      else return;
      event.preventDefault();
      this.draw();
    });
    canvas.addEventListener('dragover', (event) => event.preventDefault());
    canvas.addEventListener('drop', (event) => {
      // The editor would import a dropped file as a flow.
      event.preventDefault();
      event.stopPropagation();
      const file = event.dataTransfer?.files[0];
      if (file) this.show(file);
    });
  }

  #press(event: PointerEvent): void {
    const point = this.#pointOf(event);
    this.#canvas.focus();
    if (this.#open.length === 0) this.#drag = this.#cornerAt(point);
    if (this.#drag || this.#mode === 'zone') this.#canvas.setPointerCapture(event.pointerId);
    if (this.#drag) return;
    const [first] = this.#open;
    if (this.#mode === 'zone') {
      this.#from = point;
    } else if (first && this.#open.length >= 3 && this.#isNear(point, first)) {
      this.finish();
    } else {
      this.#open.push(point);
      this.#hooks.onNote('closing');
      this.draw();
    }
  }

  #move(event: PointerEvent): void {
    const point = this.#pointOf(event);
    if (this.#drag) {
      this.#drag(point);
      this.draw();
    } else if (this.#from || this.#open.length > 0) {
      this.#to = point;
      this.draw();
    } else {
      this.#canvas.style.cursor = this.#cornerAt(point) ? 'move' : 'crosshair';
    }
  }

  #release(event: PointerEvent): void {
    const end = this.#pointOf(event);
    if (this.#from && isZoneSize(this.#from, end))
      this.#shapes.zones.push({ name: this.#freeName(), ...rectangle(this.#from, end) });
    if (!this.#drag && !this.#from) return;
    this.#letGo();
    this.#changed();
  }

  #letGo(): void {
    this.#drag = undefined;
    this.#from = undefined;
    this.#to = undefined;
  }

  #changed(): void {
    this.draw();
    this.#hooks.onChange();
  }

  #freeName(): string {
    const { zones } = this.#shapes;
    const { zoneName } = this.#hooks;
    let number = zones.length + 1;
    while (zones.some(({ name }) => name === zoneName(number))) number++;
    return zoneName(number);
  }

  /** @returns what moves the corner at this point; undefined when there is none */
  #cornerAt(point: Point): ((moved: Point) => void) | undefined {
    for (const mask of this.#shapes.masks) {
      const index = mask.findIndex((each) => this.#isNear(each, point));
      if (index >= 0) {
        return (moved) => {
          mask[index] = moved;
        };
      }
    }
    for (const zone of this.#shapes.zones) {
      const corners = cornersOf(zone);
      const index = corners.findIndex((each) => this.#isNear(each, point));
      const opposite = corners[(index + 2) % 4];
      if (index >= 0 && opposite) {
        return (moved) => {
          if (isZoneSize(opposite, moved)) Object.assign(zone, rectangle(opposite, moved));
        };
      }
    }
    return undefined;
  }

  /** Pixels of the canvas in one of the screen. */
  #scale(): number {
    const { width } = this.#canvas;
    return width / (this.#canvas.getBoundingClientRect().width || width);
  }

  #pointOf({ clientX, clientY }: PointerEvent): Point {
    const box = this.#canvas.getBoundingClientRect();
    return [rounded((clientX - box.left) / box.width), rounded((clientY - box.top) / box.height)];
  }

  #isNear([ax, ay]: Point, [bx, by]: Point): boolean {
    const box = this.#canvas.getBoundingClientRect();
    return Math.hypot((ax - bx) * box.width, (ay - by) * box.height) <= reach;
  }

  #trace(points: readonly Point[]): void {
    const { width, height } = this.#canvas;
    this.#context.beginPath();
    for (const [index, [x, y]] of points.entries())
      this.#context[index === 0 ? 'moveTo' : 'lineTo'](x * width, y * height);
  }

  #drawCorners(points: readonly Point[], colour: string): void {
    const { width, height } = this.#canvas;
    const size = 8 * this.#scale();
    this.#context.fillStyle = colour;
    for (const [x, y] of points)
      this.#context.fillRect(x * width - size / 2, y * height - size / 2, size, size);
  }

  #drawZone(zone: Zone): void {
    const context = this.#context;
    const corners = cornersOf(zone);
    this.#trace(corners);
    context.closePath();
    context.strokeStyle = colours.zone;
    context.stroke();
    this.#drawCorners(corners, colours.zone);
    const size = 14 * this.#scale();
    context.font = `${size}px sans-serif`;
    const { width, height } = this.#canvas;
    const [left, top] = [zone.x * width + size / 2, zone.y * height + size / 2];
    context.fillStyle = 'rgba(0, 0, 0, 0.6)';
    if (zone.name) context.fillRect(left, top, context.measureText(zone.name).width + size / 2, size * 1.3);
    context.fillStyle = colours.zone;
    context.fillText(zone.name, left + size / 4, top + size);
  }
}
