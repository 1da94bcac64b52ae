import { afterEach } from 'mocha';

/**
 * Cleans up after each test of a suite, whether it passed or failed. To be called in the suite's body.
 * @returns registers what is to be done after the present test, the latest first
 */
export function useCleanup(): (clean: () => unknown) => void {
  const registered: (() => unknown)[] = [];
  afterEach(async () => {
    for (const clean of registered.splice(0).reverse()) await clean();
  });
  return (clean) => void registered.push(clean);
}
