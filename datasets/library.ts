import * as tokenizers from '@huggingface/tokenizers';

/** Cuts text into the pieces that the model encodes one by one. */
export type PreTokenizer = (text: string, options: object) => string[];

/**
 * What is used of `Tokenizer` of @huggingface/tokenizers. Written out here because the package's own types import each other
 * without file extensions, which TypeScript cannot follow for ES modules.
 */
export interface LibraryTokenizer {
  pre_tokenizer: PreTokenizer | null;
  /** `ids` has `undefined` where neither the vocabulary nor a token for unknown text has an id. */
  encode(text: string, options: { add_special_tokens: boolean }): { ids: (number | undefined)[] };
  get_vocab(): Map<string, number>;
}

/** Takes the contents of `tokenizer.json` and `tokenizer_config.json`; throws an Error for what it does not support. */
export const LibraryTokenizer = (tokenizers as unknown as {
  Tokenizer: new (tokenizer: object, config: object) => LibraryTokenizer;
}).Tokenizer;
