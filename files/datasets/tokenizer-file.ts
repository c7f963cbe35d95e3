/** The parts of `tokenizer.json` that our code reads. Everything else is read only by the tokenizers library. */
export interface TokenizerJson {
  added_tokens?: AddedToken[];
  normalizer?: Component | null;
  pre_tokenizer?: Component | null;
  post_processor?: Component | null;
  decoder?: Component | null;
  model: TokenizerModel;
}

export interface AddedToken {
  content: string;
  /** Whether it is normalized too, and searched for in the normalized text. */
  normalized?: boolean;
}

/** A normalizer, pre-tokenizer, post-processor or decoder. */
export interface Component {
  type?: string;
  normalizers?: Component[];
  pretokenizers?: Component[];
  processors?: Component[];
  decoders?: Component[];
  pattern?: { String?: string; Regex?: string };
  behavior?: string;
  invert?: boolean;
  content?: string;
  prepend?: string;
  replacement?: string;
  split?: boolean;
  use_regex?: boolean;
}

export interface TokenizerModel {
  type?: string;
  vocab?: unknown;
  merges?: Merge[];
  dropout?: number | null;
  end_of_word_suffix?: string | null;
  continuing_subword_prefix?: string | null;
  ignore_merges?: boolean;
}

/** A merge: its two parts, as a pair or joined by a space. */
type Merge = readonly [string, string] | string;

/** Component types that version 0.23 of the tokenizers library knows. */
const known = {
  model: ['BPE', 'Unigram', 'WordLevel', 'WordPiece'],
  normalizer: [
    'BertNormalizer', 'ByteLevel', 'Lowercase', 'NFC', 'NFD', 'NFKC', 'NFKD', 'Nmt', 'Precompiled', 'Prepend', 'Replace', 'Sequence', 'Strip', 'StripAccents',
  ],
  pre_tokenizer: [
    'BertPreTokenizer', 'ByteLevel', 'CharDelimiterSplit', 'Digits', 'FixedLength', 'Metaspace', 'Punctuation', 'Sequence', 'Split', 'UnicodeScripts',
    'Whitespace', 'WhitespaceSplit',
  ],
  post_processor: ['BertProcessing', 'ByteLevel', 'RobertaProcessing', 'Sequence', 'TemplateProcessing'],
  decoder: ['BPEDecoder', 'ByteFallback', 'ByteLevel', 'CTC', 'Fuse', 'Metaspace', 'Replace', 'Sequence', 'Strip', 'WordPiece'],
} as const;

/** The first component whose type the library does not know, such as `normalizer.normalizers[1].type "Nonsense"`. */
export function unknownComponent(json: TokenizerJson): string | undefined {
  for (const [part, types] of Object.entries(known)) {
    const found = unknownWithin(json[part as keyof typeof known], part, types);
    if (found !== undefined) return found;
  }
  return undefined;
}

function unknownWithin(component: Component | null | undefined, path: string, types: readonly string[]): string | undefined {
  if (typeof component !== 'object' || component === null) return undefined;
  // Old files omit the type of the model.
  if (component.type !== undefined && !types.includes(component.type)) return `${path}.type ${JSON.stringify(component.type)}`;
  for (const list of ['normalizers', 'pretokenizers', 'processors', 'decoders'] as const) {
    const members = component[list];
    if (!Array.isArray(members)) continue;
    for (const [i, member] of members.entries()) {
      const found = unknownWithin(member, `${path}.${list}[${i}]`, types);
      if (found !== undefined) return found;
    }
  }
  return undefined;
}
