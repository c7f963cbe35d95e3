import type { AddedToken, Component, TokenizerJson, TokenizerModel } from './tokenizer-file.js';

/**
 * How a text may be cut so that the tokens of its parts, put together, are those of the whole. Every cut is at one space between two
 * ASCII letters. `kept`: the part after the cut begins with the space. `dropped`: it begins with the letter, and the tokenizer puts
 * the space's own mark before it.
 */
export type Cutting = 'kept' | 'dropped';

/**
 * Says whether texts may be cut for a tokenizer. Why cut at all: the library keeps 150 to 200 bytes a character while it works.
 *
 * A cut is exact where nothing that the tokenizer does reaches across it: no added token (those are found first), no normalizer, and
 * either a pre-tokenizer that always ends a word there, or a BPE model without a merge that joins a letter and the space's mark.
 * Only what is known to keep to that is listed below. With everything else a text is encoded whole: right too, with more memory.
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

/** Cuts a text into parts of `length` characters or somewhat more; of much more if there is no place for a cut. */
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

/** The mark for a space in tokens of SentencePiece's kind. */
const mark = '▁';

/** Could an occurrence of this added token touch a cut? One that is normalized is taken as any normalizer below could change it. */
function mayTouchCut({ content, normalized = true }: AddedToken): boolean {
  const plain = normalized ? content.normalize('NFKD').replace(/[\s▁]/g, ' ').replace(/[\p{M}\p{C}]/gu, '') : content;
  return plain === '' || /^[A-Za-z]|[A-Za-z]$|(?:^|[A-Za-z]) (?:[A-Za-z]|$)/.test(plain);
}

function flat(component: Component | null | undefined, list: 'normalizers' | 'pretokenizers'): Component[] {
  if (component === null || component === undefined) return [];
  return component.type === 'Sequence' ? (component[list] ?? []).flatMap((member) => flat(member, list)) : [component];
}

/** Normalizers that change each character, or each with the marks that combine with it, by itself, and leave letters and spaces be. */
const characterwise = new Set(['NFC', 'NFD', 'NFKC', 'NFKD', 'Lowercase', 'StripAccents', 'BertNormalizer']);

/** The patterns of GPT-2, Llama 3 and Qwen2. In none of them can a match continue from a letter to a space. */
const wordPatterns = new Set([
  "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+",
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
]);

/** A pre-tokenizer that always ends a word between a letter and a space. */
function endsWord({ type, use_regex, pattern, behavior, invert }: Component): boolean {
  if (type === 'ByteLevel') return use_regex !== false;
  if (type === 'Split') return behavior === 'Isolated' && invert !== true && wordPatterns.has(pattern?.Regex ?? '');
  return type === 'Whitespace' || type === 'WhitespaceSplit' || type === 'BertPreTokenizer';
}

/** Those before the one that ends words must not cut elsewhere because of the cut; those after it see words only. */
function endsWords(preTokenizers: readonly Component[]): boolean {
  const at = preTokenizers.findIndex(endsWord);
  return at >= 0
    && preTokenizers.slice(0, at).every(({ type }) => type === 'Digits' || type === 'Punctuation')
    // Metaspace looks at where in the text a word stands.
    && preTokenizers.slice(at + 1).every(({ type }) => type !== 'Metaspace');
}

const isSpace = ({ pattern }: Component): boolean => pattern?.String === ' ';

const marksSpaces = (normalizer: Component): boolean => normalizer.type === 'Replace' && isSpace(normalizer) && normalizer.content === mark;

/** Gemma's pre-tokenizer splits at spaces, of which its normalizer has left none. */
const findsNothing = (preTokenizer: Component): boolean => preTokenizer.type === 'Split' && isSpace(preTokenizer) && preTokenizer.invert !== true;

/** Whether no merge joins a letter and a mark after it, and both sides of such a place are encoded as if they stood alone. */
function mergesKeepWords({ type, vocab, merges, end_of_word_suffix, continuing_subword_prefix, ignore_merges }: TokenizerModel): boolean {
  if (type !== 'BPE' || merges === undefined || end_of_word_suffix || continuing_subword_prefix || ignore_merges === true) return false;
  // Unknown characters side by side can become one token.
  if (typeof vocab !== 'object' || vocab === null || !Object.hasOwn(vocab, mark)) return false;
  return merges.every((merge) => {
    const [left, right] = typeof merge === 'string' ? merge.split(' ', 2) : merge;
    return !(/[A-Za-z]$/.test(left) && right.startsWith(mark));
  });
}
