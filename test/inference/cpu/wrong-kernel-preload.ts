import type { InferenceSession, Tensor } from 'onnxruntime-node';

// Loaded before the program of a process, and of each of its worker threads, by NODE_OPTIONS: a CPU on which onnxruntime
// computes the fused int8 product wrongly, with the kernels that the environment names: `kleidiai`, or `every` one.
const wrong = process.env.SMOLVLM_TEST_WRONG_KERNEL;
const product = 'DynamicQuantizeMatMul';

if (wrong !== undefined) {
  const loader = require('../../../src/backends/onnxruntime/onnxruntime-loader');
  const load = loader.loadOnnxRuntime;
  let patched = false;
  loader.loadOnnxRuntime = async () => {
    const runtime = await load();
    if (!patched) plantWrongKernel(runtime.InferenceSession);
    patched = true;
    return runtime;
  };
}

function plantWrongKernel(sessions: { create(...given: unknown[]): Promise<InferenceSession> }): void {
  const create = sessions.create.bind(sessions);
  sessions.create = async (...given) => {
    const session = await create(...given);
    const options = given[1] as { extra?: { mlas?: { disable_kleidiai?: string } } } | undefined;
    const isLeftOut = wrong === 'kleidiai' && options?.extra?.mlas?.disable_kleidiai === '1';
    if (isLeftOut || !session.outputNames.includes(product)) return session;
    const run = session.run.bind(session) as (...feeds: unknown[]) => Promise<Record<string, Tensor>>;
    session.run = (async (...feeds: unknown[]) => {
      const results = await run(...feeds);
      const { data } = results[product] as Tensor;
      for (const index of data.keys()) (data as Float32Array)[index] = (data[index] as number) / 2;
      return results;
    }) as never;
    return session;
  };
}
