import type { AddedToken, Component, TokenizerJson, TokenizerModel } from './tokenizer-file.js';

/**
 * How a text may be cut so that the tokens of its parts, concatenated, are those of the whole text. Every cut is at a single space between
 * two ASCII letters. `kept`: the part after the cut begins with the space. `dropped`: it begins with the letter, and the tokenizer adds
 * the mark for a space before it.
 */
export type Cutting = 'kept' | 'dropped';

/**
 * Returns how texts may be cut for a tokenizer; undefined if they may not. Texts are cut because the library uses 150 to 200 bytes per
 * character while it works.
 *
 * A cut is exact if no step of the tokenizer reaches across it: no added token (they are found first), no normalizer, and
 * either a pre-tokenizer that always ends a word there, or a BPE model without a merge that joins a letter and the mark for a space.
 * Only components that are known to satisfy this are listed below. With any other, a text is encoded whole, which only needs more memory.
 */
export function cuttingOf(json: TokenizerJson): Cutting | undefined {
  if (json.added_tokens?.some(mayTouchCut) === true) return undefined;
  const normalizers = flat(json.normalizer, 'normalizers');
  const preTokenizers = flat(json.pre_tokenizer, 'pretokenizers');
  if (normalizers.every(({ type }) => characterwise.has(type ?? ''))) {
    if (endsWords(preTokenizers)) return 'kept';
    const [metaspace] = preTokenizers;
    if (preTokenizers.length === 1 && metaspace.type === 'Metaspace' && metaspace.replacement === mark) {
      return metaspace.split !== false || mergesKeepWords(json.model) ? 'kept' : undefined;
    }
    return undefined;
  }
  if (!preTokenizers.every(findsNothing) || !mergesKeepWords(json.model)) return undefined;
  if (normalizers.length === 1 && marksSpaces(normalizers[0])) return 'kept';
  if (normalizers.length === 2 && normalizers[0].type === 'Prepend' && normalizers[0].prepend === mark && marksSpaces(normalizers[1])) return 'dropped';
  return undefined;
}

/** Cuts a text into parts of at least `length` characters (except the last), usually only slightly more. */
export function cutText(text: string, cutting: Cutting, length: number): string[] {
  const parts: string[] = [];
  const place = /[A-Za-z] [A-Za-z]/g;
  let begin = 0;
  while (text.length - begin > length) {
    place.lastIndex = begin + length - 1;
    const found = place.exec(text);
    if (found === null) break;
    const space = found.index + 1;
    parts.push(text.slice(begin, space));
    begin = cutting === 'kept' ? space : space + 1;
  }
  parts.push(text.slice(begin));
  return parts;
}

/** The mark for a space in SentencePiece tokens. */
const mark = '▁';

/** Whether an occurrence of this added token could touch a cut. Takes into account how the normalizers below could change the token. */
function mayTouchCut({ content, normalized = true }: AddedToken): boolean {
  const plain = normalized ? content.normalize('NFKD').replace(/[\s▁]/g, ' ').replace(/[\p{M}\p{C}]/gu, '') : content;
  return plain === '' || /^[A-Za-z]|[A-Za-z]$|(?:^|[A-Za-z]) (?:[A-Za-z]|$)/.test(plain);
}

function flat(component: Component | null | undefined, list: 'normalizers' | 'pretokenizers'): Component[] {
  if (component === null || component === undefined) return [];
  return component.type === 'Sequence' ? (component[list] ?? []).flatMap((member) => flat(member, list)) : [component];
}

/** Normalizers that change each character (with its combining marks) by itself. Letters stay letters, and spaces stay spaces. */
const characterwise = new Set(['NFC', 'NFD', 'NFKC', 'NFKD', 'Lowercase', 'StripAccents', 'BertNormalizer']);

/** The patterns of GPT-2, Llama 3 and Qwen2. None of them can match a letter followed by a space. */
const wordPatterns = new Set([
  "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+",
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
]);

/** Whether a pre-tokenizer always ends a word between a letter and a space. */
function endsWord({ type, use_regex, pattern, behavior, invert }: Component): boolean {
  if (type === 'ByteLevel') return use_regex !== false;
  if (type === 'Split') return behavior === 'Isolated' && invert !== true && wordPatterns.has(pattern?.Regex ?? '');
  return type === 'Whitespace' || type === 'WhitespaceSplit' || type === 'BertPreTokenizer';
}

/** Pre-tokenizers before the one that ends words must not split differently because of the cut. Those after it see only words. */
function endsWords(preTokenizers: readonly Component[]): boolean {
  const at = preTokenizers.findIndex(endsWord);
  return at >= 0
    && preTokenizers.slice(0, at).every(({ type }) => type === 'Digits' || type === 'Punctuation')
    // Metaspace depends on the position of a word in the text.
    && preTokenizers.slice(at + 1).every(({ type }) => type !== 'Metaspace');
}

const isSpace = ({ pattern }: Component): boolean => pattern?.String === ' ';

const marksSpaces = (normalizer: Component): boolean => normalizer.type === 'Replace' && isSpace(normalizer) && normalizer.content === mark;

/** Gemma's pre-tokenizer splits at spaces, but its normalizer has already replaced all of them. */
const findsNothing = (preTokenizer: Component): boolean => preTokenizer.type === 'Split' && isSpace(preTokenizer) && preTokenizer.invert !== true;

/** Whether no merge joins a letter and a following mark, so that both sides of a cut are encoded independently. */
function mergesKeepWords({ type, vocab, merges, end_of_word_suffix, continuing_subword_prefix, ignore_merges }: TokenizerModel): boolean {
  if (type !== 'BPE' || merges === undefined || end_of_word_suffix || continuing_subword_prefix || ignore_merges === true) return false;
  // If the mark is not in the vocabulary, it may be fused with unknown characters beside it.
  if (typeof vocab !== 'object' || vocab === null || !Object.hasOwn(vocab, mark)) return false;
  return merges.every((merge) => {
    const [left, right] = typeof merge === 'string' ? merge.split(' ', 2) : merge;
    return !(/[A-Za-z]$/.test(left) && right.startsWith(mark));
  });
}
