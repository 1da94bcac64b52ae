import { basename } from 'node:path';

/** How Hugging Face's clients lay out their cache: `models--ORG--NAME/snapshots/COMMIT`. */
const snapshot = /(?:^|[/\\])models--([^/\\]+?)--([^/\\]+)[/\\]snapshots[/\\][0-9a-f]+[/\\]?$/;

/** The name of the model in a folder: the folder's own, or the hub id of a snapshot, whose folder is named after its commit. */
export function modelNameOf(folder: string): string {
  const [, organisation, name] = snapshot.exec(folder) ?? [];
  return name === undefined ? basename(folder) : `${organisation}/${name}`;
}
