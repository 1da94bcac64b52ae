import { errorBody } from '../../errors';
import { arithmeticNote } from './arithmetic';
import { thisCpusProducts } from './product-check';

// Checks this CPU's products and prints the result in one line: a process, because a runtime that does not fit the CPU may
// crash. Started by src/platform/cpu-products.ts, which has the type of the result.
void thisCpusProducts()
  .then((check) => {
    const { kernels, float32Kernels } = check;
    return { kernels, float32Kernels, note: arithmeticNote(check)?.message };
  })
  .catch((error: unknown) => ({ failure: errorBody(error).message }))
  .then((result) => console.log(JSON.stringify(result)));
