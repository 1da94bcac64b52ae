/**
 * `JSON.parse` silently keeps the last of two equal keys; in a safetensors header that would hide a tensor.
 * @param text a valid JSON object @returns the first key of the outermost object that comes a second time
 */
export function duplicateKey(text: string): string | undefined {
  const seen = new Set<string>();
  // Strings and brackets are enough to find the outermost keys.
  const token = /"(?:[^"\\]|\\.)*"|[{}[\]]/g;
  let depth = 0;
  for (const { 0: found, index } of text.matchAll(token)) {
    if (found === '{' || found === '[') depth++;
    else if (found === '}' || found === ']') depth--;
    else if (depth === 1 && /^\s*:/.test(text.slice(index + found.length, index + found.length + 64))) {
      const key = JSON.parse(found) as string;
      if (seen.has(key)) return key;
      seen.add(key);
    }
  }
  return undefined;
}
