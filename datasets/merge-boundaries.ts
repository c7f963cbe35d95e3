/** A merge as `tokenizer.json` writes it: the two parts, or both with a space between. */
export type Merge = readonly [string, string] | string;

/**
 * Makes a function that cuts text for byte-pair encoding where no merge can ever join the two sides: between characters x and y
 * such that no merge has a left part that ends in x and a right part that begins with y. The encodings of the pieces, put together,
 * are then that of the whole, token for token: any merge across the cut would join just such parts.
 *
 * Why: tokenizers of LLaMA's kind have no words, so that a text of megabytes is one piece for the library, which takes
 * hundreds of bytes a character for it. Short pieces are also found in its cache.
 */
export function cutterAtMergeBoundaries(merges: readonly Merge[]): (text: string) => string[] {
  /** Code points that may follow a code point within a token. */
  const following = new Map<number, Set<number>>();
  for (const merge of merges) {
    const [left, right] = typeof merge === 'string' ? merge.split(' ', 2) : merge;
    const last = Array.from(left).at(-1)?.codePointAt(0) ?? 0;
    const followers = following.get(last) ?? new Set();
    following.set(last, followers.add(right.codePointAt(0) ?? 0));
  }
  return (text) => {
    const pieces: string[] = [];
    let begin = 0;
    let followers: Set<number> | undefined;
    for (let at = 0; at < text.length; ) {
      const character = text.codePointAt(at) ?? 0;
      if (at > begin && followers?.has(character) !== true) {
        pieces.push(text.slice(begin, at));
        begin = at;
      }
      followers = following.get(character);
      at += character > 0xffff ? 2 : 1;
    }
    if (begin < text.length) pieces.push(text.slice(begin));
    return pieces;
  };
}
