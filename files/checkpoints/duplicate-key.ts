/**
 * Finds the first key that occurs twice in one object of a JSON text, at any depth. (`JSON.parse` silently keeps the last one.)
 *
 * @param text JSON that `JSON.parse` accepts
 */
export function findDuplicateKey(text: string): string | undefined {
  // One entry for each open object or array; arrays have no keys.
  const open: (Set<string> | undefined)[] = [];
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (character === '{') open.push(new Set());
    else if (character === '[') open.push(undefined);
    else if (character === '}' || character === ']') open.pop();
    else if (character === '"') {
      const begin = at;
      at = closingQuote(text, begin);
      if (!isFollowedByColon(text, at + 1)) continue;
      const key = JSON.parse(text.slice(begin, at + 1)) as string;
      const keys = open.at(-1);
      if (keys?.has(key)) return key;
      keys?.add(key);
    }
  }
  return undefined;
}

function closingQuote(text: string, openingQuote: number): number {
  let at = openingQuote + 1;
  while (text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
  return at;
}

function isFollowedByColon(text: string, from: number): boolean {
  let at = from;
  while (text[at] === ' ' || text[at] === '\n' || text[at] === '\r' || text[at] === '\t') at++;
  return text[at] === ':';
}
