import type { CpuKernels } from '../../backends/onnxruntime/session-options';
import { type ErrorBody, SmolvlmError } from '../../errors';
import type { BundleManifest } from '../../model/bundle/bundle-manifest';
import { englishText, type FindingText, listed, phrase } from '../../protocol/findings/finding-phrase';
import type { ProductCheck, ProductFault } from './product-check';

type Precision = 'float32' | 'int8' | 'int4';

/** The precision to prepare a checkpoint in: as requested, unless this CPU only multiplies float32 right. */
export function fittingArithmetic(
  { kernels, float32Kernels }: ProductCheck,
  requested: Precision,
): { readonly precision: Precision } {
  return { precision: kernels === undefined && float32Kernels !== undefined ? 'float32' : requested };
}

/**
 * The kernels to compute a bundle with.
 * @throws SmolvlmError `cpu-products` when this CPU computes the bundle's products wrongly with any of them
 */
export function bundleArithmetic(
  { kernels, float32Kernels, faults }: ProductCheck,
  { manifest }: { readonly manifest: BundleManifest },
): { readonly kernels: CpuKernels } {
  const chosen = isQuantised(manifest) ? kernels : (kernels ?? float32Kernels);
  if (chosen !== undefined) return { kernels: chosen };
  throw new SmolvlmError(
    'cpu-products',
    `onnxruntime computes products of the model wrongly on this CPU: ${englishText(products(faults))}`,
    {
      hint:
        float32Kernels === undefined
          ? 'Run the engine on another machine, and report this CPU with the output of smolvlm doctor.'
          : 'Float32 products are correct: give the checkpoint instead of the bundle, or a bundle in float32.',
    },
  );
}

const insteadOf = { 'no-kleidiai': 'withoutKleidiai', unfused: 'withoutFusion' } as const;

/** What the status says when the fastest kernels are not used. */
export function arithmeticNote({ kernels, faults }: ProductCheck): ErrorBody | undefined {
  if (kernels === 'all') return undefined;
  const instead = kernels === undefined ? 'inFloat32' : insteadOf[kernels];
  const values = { products: products(faults), instead: phrase(instead) };
  return {
    code: 'cpu-products',
    message: englishText(phrase('productsFaulty', values)),
    hint: 'Answers are correct but may take longer. A newer onnxruntime-node may have fixed the fault.',
  };
}

/** Each product once, as the fastest kernels computed it: `DynamicQuantizeMatMul (error 75 %)`. */
function products(faults: readonly ProductFault[]): FindingText {
  const first = new Map<string, number>();
  for (const { product, error } of faults) if (!first.has(product)) first.set(product, error);
  const each = [...first].map(([product, error]) =>
    Number.isFinite(error)
      ? phrase('productError', { product, percent: Math.round(100 * error) })
      : phrase('productNoResult', { product }),
  );
  return listed('comma', each);
}

function isQuantised({ target, stages, cpuStages, decoder }: BundleManifest): boolean {
  const onCpu = cpuStages ?? (target === 'cpu' ? stages : []);
  return [...onCpu, ...(decoder?.format === 'onnx' ? [decoder] : [])].some(
    ({ precision }) => precision !== 'float32',
  );
}
