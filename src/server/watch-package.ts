import { installedVersion } from '../package-version';

const checkMs = 2_000;

/**
 * Calls back when another version of this package has taken the place of the one that runs, or none has: the files that a
 * new inference thread would load belong to it.
 * @returns a function that stops watching
 */
export function watchPackage(
  version: string,
  onReplaced: (found: string | undefined) => void,
  installed = installedVersion,
  everyMs = checkMs,
): () => void {
  const timer = setInterval(() => {
    const found = currentVersion(installed);
    if (found === version) return;
    clearInterval(timer);
    onReplaced(found);
  }, everyMs);
  timer.unref();
  return () => clearInterval(timer);
}

/** @returns undefined while an update is copying files, or after a removal */
function currentVersion(installed: () => string): string | undefined {
  try {
    return installed();
  } catch {
    return undefined;
  }
}
