import type { BundleValidation } from './validate-bundle';

const size = { width: 960, height: 360, left: 78, right: 16, top: 44, bottom: 78 };

/** Smallest 1 − cosine that is distinguished: float32 vectors of a million values do not agree better. */
const floor = 1e-8;

/**
 * An SVG of 1 − cosine of each stage, logarithmic, lower is better: bars for the stages alone, a line for the
 * accumulated stream, dashes for the bounds.
 */
export function validationChart({ stages, bounds, backend, pass }: BundleValidation): string {
  const errors = stages
    .flatMap(({ cosine, accumulatedCosine }) => [1 - cosine, 1 - accumulatedCosine])
    .filter(Number.isFinite);
  const top = Math.ceil(Math.log10(Math.max(floor, 1 - bounds.stage, 1 - bounds.tower, ...errors) * 1.2));
  const bottom = Math.min(top - 1, Math.floor(Math.log10(Math.max(floor, Math.min(...errors, 1)))));
  const plot = {
    width: size.width - size.left - size.right,
    height: size.height - size.top - size.bottom,
  };
  const y = (cosine: number): number => {
    const exponent = Math.log10(Math.max(floor, Number.isFinite(cosine) ? 1 - cosine : 2));
    return round(size.top + (plot.height * (top - exponent)) / Math.max(1, top - bottom));
  };
  const step = plot.width / Math.max(1, stages.length);
  const x = (index: number): number => round(size.left + step * (index + 0.5));
  const base = size.top + plot.height;
  const bars = stages.map(({ name, precision, cosine, pass: ok }, index) => {
    const height = round(Math.max(1, base - y(cosine)));
    const fill = ok ? (precision === 'int8' ? '#e08a2e' : '#3b7dd8') : '#c62828';
    return `<rect x="${round(x(index) - step * 0.3)}" y="${round(base - height)}" width="${round(step * 0.6)}" height="${height}" fill="${fill}"><title>${name} ${precision} ${cosine.toFixed(7)}</title></rect>`;
  });
  const labels = stages.map(
    ({ name }, index) =>
      `<text transform="translate(${round(x(index) + 4)},${base + 8}) rotate(-60)" text-anchor="end">${name}</text>`,
  );
  const line = stages.map(({ accumulatedCosine }, index) => `${x(index)},${y(accumulatedCosine)}`).join(' ');
  const grid = Array.from({ length: top - bottom + 1 }, (_, index) => {
    const at = y(1 - 10 ** (bottom + index));
    return `<path d="M${size.left} ${at}H${size.width - size.right}" stroke="#ddd"/><text x="${size.left - 6}" y="${at + 4}" text-anchor="end">1e${bottom + index}</text>`;
  });
  const bound = (cosine: number, label: string): string =>
    `<path d="M${size.left} ${y(cosine)}H${size.width - size.right}" stroke="#c62828" stroke-dasharray="6 4"/><text x="${size.width - size.right}" y="${y(cosine) - 4}" text-anchor="end" fill="#c62828">${label} ${cosine}</text>`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${size.width} ${size.height}" font-family="sans-serif" font-size="12">`,
    `<rect width="100%" height="100%" fill="#fff"/>`,
    `<text x="${size.left}" y="24" font-size="15">1 − cosine to float32, ${stages.length} stages on ${backend}: ${pass ? 'passed' : 'FAILED'}</text>`,
    ...grid,
    ...bars,
    ...labels,
    bound(bounds.stage, 'stage'),
    bound(bounds.tower, 'tower'),
    `<polyline points="${line}" fill="none" stroke="#2e7d32" stroke-width="2"/>`,
    `<text x="${size.width - size.right}" y="24" text-anchor="end"><tspan fill="#3b7dd8">■ fp16 </tspan><tspan fill="#e08a2e">■ int8 </tspan><tspan fill="#2e7d32">━ accumulated</tspan></text>`,
    '</svg>\n',
  ].join('\n');
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
