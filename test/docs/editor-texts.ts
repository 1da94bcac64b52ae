import { nodeFolders, original, readCatalog } from '../nodes/catalogs';
import { readPage } from './markdown';

/** Every text that dialogs, palette and sidebar show in English, without what is filled in, and names of examples. */
export function editorTexts(): ReadonlySet<string> {
  const texts = new Set<string>();
  for (const folder of nodeFolders)
    for (const text of readCatalog(folder, original).values()) texts.add(text);
  for (const [, name = ''] of readPage('README.md').text.matchAll(/^\| ([\w ,-]+) \| [a-z]/gm))
    texts.add(name);
  return texts;
}
