import { versionOnDisk } from '../package-version';

const checkMs = 2_000;

/** An update copies files for some seconds: another version counts once it has been there this often in a row. */
const checksReplaced = 5;

/** The same for a package that is missing, for example between the removal of the old files and the copying of the new ones. */
const checksRemoved = 60;

/**
 * Calls back when another version of this package has taken the place of the one that runs, or none has: the files that a
 * new inference thread would load belong to it.
 * @returns a function that stops watching
 */
export function watchPackage(
  version: string,
  onReplaced: (found: string | undefined) => void,
  installed = versionOnDisk,
  everyMs = checkMs,
): () => void {
  let former: string | undefined = version;
  let checks = 0;
  const timer = setInterval(() => {
    const found = currentVersion(installed);
    checks = found === former ? checks + 1 : 1;
    former = found;
    if (found === version || checks < (found === undefined ? checksRemoved : checksReplaced)) return;
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
