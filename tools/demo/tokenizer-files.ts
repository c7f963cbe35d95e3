/** The demo's tokenizer. A token is a word or a run of punctuation. */

const unknown = '<unk>';

/** Splits a text into tokens, as the pre-tokenizer `Whitespace` of tokenizer.json does. */
export const words = (text: string): string[] => text.match(/\w+|[^\w\s]+/g) ?? [];

/** Returns ids by word: first the unknown word, then all words of the text, sorted. */
export function vocabulary(text: string): ReadonlyMap<string, number> {
  const known = [...new Set(words(text))].sort((a, b) => (a < b ? -1 : 1));
  return new Map([unknown, ...known].map((word, id) => [word, id]));
}

/** Returns `tokenizer.json`: WordPiece with whole words only, which every reader of the format supports. */
export function tokenizerJson(ids: ReadonlyMap<string, number>): object {
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: [{ id: 0, content: unknown, single_word: false, lstrip: false, rstrip: false, normalized: false, special: true }],
    normalizer: null,
    pre_tokenizer: { type: 'Whitespace' },
    post_processor: null,
    decoder: { type: 'WordPiece', prefix: '##', cleanup: true },
    model: {
      type: 'WordPiece', unk_token: unknown, continuing_subword_prefix: '##', max_input_chars_per_word: 100, vocab: Object.fromEntries(ids),
    },
  };
}

/** Returns `tokenizer_config.json`. */
export const tokenizerConfig = (maxLength: number): object => ({
  tokenizer_class: 'PreTrainedTokenizerFast', unk_token: unknown, model_max_length: maxLength, clean_up_tokenization_spaces: false,
});
