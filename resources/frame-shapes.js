// The tab "Picture" of smolvlm-frame: privacy masks (polygons) and zones (rectangles), drawn on a sample picture.
window.smolvlm = window.smolvlm || {};

(() => {
  /** How near to a corner counts as on it, in pixels of the screen. */
  const reach = 10;
  const longestSide = 960;
  const colours = { mask: '#e05252', zone: '#21d07a', open: '#ffb300' };

  /** A fraction of the picture; four digits are a tenth of a pixel at 1000. */
  const rounded = (value) => Math.round(Math.min(1, Math.max(0, value)) * 10000) / 10000;

  const rectangle = ([ax, ay], [bx, by]) => ({
    x: Math.min(ax, bx),
    y: Math.min(ay, by),
    width: rounded(Math.abs(ax - bx)),
    height: rounded(Math.abs(ay - by)),
  });

  const cornersOf = ({ x, y, width, height }) => [
    [x, y],
    [rounded(x + width), y],
    [rounded(x + width), rounded(y + height)],
    [x, rounded(y + height)],
  ];

  /**
   * Masks and zones, drawn with mouse, pen or finger; corners can be dragged.
   * @param {HTMLCanvasElement} canvas
   * @param {{masks: number[][][], zones: object[]}} shapes changed in place
   * @param {{onChange: () => void, onNote: (key?: string) => void, zoneName: (number: number) => string}} hooks
   */
  window.smolvlm.frameShapes = (canvas, shapes, { onChange, onNote, zoneName }) => {
    const context = canvas.getContext('2d');
    let mode = 'mask';
    let picture;
    /** Corners of a mask that is not closed yet. */
    let open = [];
    /** The first corner of a zone that is being drawn. */
    let from;
    /** Where the pointer is, while something is open. */
    let to;
    /** Moves the corner that is held. */
    let drag;
    canvas.width = 640;
    canvas.height = 360;

    /** Pixels of the canvas in one of the screen. */
    const scale = () => canvas.width / (canvas.getBoundingClientRect().width || canvas.width);

    function trace(points) {
      context.beginPath();
      points.forEach(([x, y], index) => {
        context[index === 0 ? 'moveTo' : 'lineTo'](x * canvas.width, y * canvas.height);
      });
    }

    function drawCorners(points, colour) {
      const size = 8 * scale();
      context.fillStyle = colour;
      for (const [x, y] of points) {
        context.fillRect(x * canvas.width - size / 2, y * canvas.height - size / 2, size, size);
      }
    }

    function drawZone(zone) {
      const corners = cornersOf(zone);
      trace(corners);
      context.closePath();
      context.strokeStyle = colours.zone;
      context.stroke();
      drawCorners(corners, colours.zone);
      const size = 14 * scale();
      context.font = `${size}px sans-serif`;
      const [left, top] = [zone.x * canvas.width + size / 2, zone.y * canvas.height + size / 2];
      context.fillStyle = 'rgba(0, 0, 0, 0.6)';
      if (zone.name) context.fillRect(left, top, context.measureText(zone.name).width + size / 2, size * 1.3);
      context.fillStyle = colours.zone;
      context.fillText(zone.name || '', left + size / 4, top + size);
    }

    function draw() {
      context.fillStyle = '#777';
      context.fillRect(0, 0, canvas.width, canvas.height);
      if (picture) context.drawImage(picture, 0, 0, canvas.width, canvas.height);
      context.lineWidth = 2 * scale();
      for (const mask of shapes.masks) {
        trace(mask);
        context.closePath();
        context.fillStyle = 'rgba(0, 0, 0, 0.85)';
        context.fill();
        context.strokeStyle = colours.mask;
        context.stroke();
        drawCorners(mask, colours.mask);
      }
      shapes.zones.forEach(drawZone);
      if (open.length > 0) {
        trace(to ? [...open, to] : open);
        context.strokeStyle = colours.open;
        context.stroke();
        drawCorners(open, colours.open);
      }
      if (from && to) drawZone(rectangle(from, to));
    }

    function changed() {
      draw();
      onChange();
    }

    function pointOf({ clientX, clientY }) {
      const box = canvas.getBoundingClientRect();
      return [rounded((clientX - box.left) / box.width), rounded((clientY - box.top) / box.height)];
    }

    function isNear([ax, ay], [bx, by]) {
      const box = canvas.getBoundingClientRect();
      return Math.hypot((ax - bx) * box.width, (ay - by) * box.height) <= reach;
    }

    /** @returns what moves the corner at this point; undefined where there is none */
    function cornerAt(point) {
      for (const mask of shapes.masks) {
        const corner = mask.find((each) => isNear(each, point));
        if (corner) return (moved) => corner.splice(0, 2, ...moved);
      }
      for (const zone of shapes.zones) {
        const corners = cornersOf(zone);
        const index = corners.findIndex((each) => isNear(each, point));
        const opposite = corners[(index + 2) % 4];
        if (index >= 0)
          return (moved) => isZone(opposite, moved) && Object.assign(zone, rectangle(opposite, moved));
      }
      return undefined;
    }

    /** A click is no rectangle. */
    function isZone(a, b) {
      const { width, height } = rectangle(a, b);
      return width > 0.01 && height > 0.01;
    }

    /** Closes the mask that is open; one of fewer than three corners is dropped. */
    function finish() {
      if (open.length >= 3) shapes.masks.push(open);
      open = [];
      to = undefined;
      onNote();
      changed();
    }

    function freeName() {
      let number = shapes.zones.length + 1;
      while (shapes.zones.some(({ name }) => name === zoneName(number))) number++;
      return zoneName(number);
    }

    $(canvas)
      .on('pointerdown', ({ originalEvent }) => {
        const point = pointOf(originalEvent);
        canvas.focus();
        if (open.length === 0) drag = cornerAt(point);
        if (drag || mode === 'zone') canvas.setPointerCapture(originalEvent.pointerId);
        if (drag) return;
        if (mode === 'zone') {
          from = point;
        } else if (open.length >= 3 && isNear(point, open[0])) {
          finish();
        } else {
          open.push(point);
          onNote('closing');
          draw();
        }
      })
      .on('pointermove', ({ originalEvent }) => {
        const point = pointOf(originalEvent);
        if (drag) {
          drag(point);
          draw();
        } else if (from || open.length > 0) {
          to = point;
          draw();
        } else {
          canvas.style.cursor = cornerAt(point) ? 'move' : 'crosshair';
        }
      })
      .on('pointerup', ({ originalEvent }) => {
        const end = pointOf(originalEvent);
        if (from && isZone(from, end)) shapes.zones.push({ name: freeName(), ...rectangle(from, end) });
        if (drag || from) {
          drag = undefined;
          from = to = undefined;
          changed();
        }
      })
      .on('pointercancel', () => {
        drag = undefined;
        from = to = undefined;
        changed();
      })
      .on('dblclick', () => {
        // The second click of the two put a corner on the last one.
        if (open.length > 0) {
          open.pop();
          finish();
        }
      })
      .on('keydown', (event) => {
        if (event.key === 'Enter') finish();
        else if (event.key === 'Backspace') open.pop();
        else return;
        event.preventDefault();
        draw();
      })
      .on('dragover', (event) => event.preventDefault())
      .on('drop', (event) => {
        // The editor would take a file that is dropped for a flow to import.
        event.preventDefault();
        event.stopPropagation();
        const [file] = event.originalEvent.dataTransfer.files;
        if (file) show(file);
      });

    /** @param {Blob} file a picture; the browser turns it upright, as the node does */
    function show(file) {
      const address = URL.createObjectURL(file);
      const image = new Image();
      image.onload = () => {
        canvas.width = Math.min(longestSide, image.naturalWidth);
        canvas.height = Math.max(1, Math.round((canvas.width * image.naturalHeight) / image.naturalWidth));
        picture = image;
        URL.revokeObjectURL(address);
        draw();
      };
      image.onerror = () => {
        URL.revokeObjectURL(address);
        onNote('unreadable');
      };
      image.src = address;
    }

    draw();
    return {
      draw,
      finish,
      show,
      /** @param {'mask' | 'zone'} wanted what the next corner begins */
      setMode: (wanted) => {
        finish();
        mode = wanted;
      },
    };
  };

  /** The shapes as a list: to be removed and, zones, to be named. */
  window.smolvlm.frameShapeList = (list, { masks, zones }, { shapeWord, onChange }) => {
    list.empty();
    const row = (label, remove) => {
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
    masks.forEach((mask, index) => {
      const words = shapeWord('maskOf', { number: index + 1, corners: mask.length });
      row($('<span>').text(words), () => masks.splice(index, 1));
    });
    zones.forEach((zone, index) => {
      const name = $('<input>', { type: 'text', 'aria-label': shapeWord('name') }).val(zone.name);
      name.on('change', () => {
        const wanted = name.val().trim();
        if (wanted !== '' && !zones.some((other) => other !== zone && other.name === wanted))
          zone.name = wanted;
        onChange();
      });
      row(name, () => zones.splice(index, 1));
    });
  };
})();
