/** Files of a byte-level BPE tokenizer without a `tokenizer.json`, as in GPT-2 and all OPT repositories. */
export const gpt2Files = { vocabulary: 'vocab.json', merges: 'merges.txt', special: 'special_tokens_map.json' } as const;

export interface Gpt2Files {
  /** Token -> id, as in `vocab.json`. */
  vocabulary: Readonly<Record<string, number>>;
  /** Text of `merges.txt`: two parts per line, in order of priority. */
  merges: string;
  /** `tokenizer_config.json`. */
  config: Readonly<Record<string, unknown>>;
  /** `special_tokens_map.json`, if there is one. */
  special?: Readonly<Record<string, unknown>>;
}

/** Tokenizer classes of transformers that read these files in this way. */
export const gpt2Classes: readonly unknown[] = ['GPT2Tokenizer', 'GPT2TokenizerFast'];

/** The special token of GPT-2, used if the files name none. */
const defaultToken = '<|endoftext|>';
const specialNames = ['bos_token', 'eos_token', 'unk_token', 'pad_token'];

/**
 * Makes the `tokenizer.json` that transformers makes from these files (`GPT2Converter`): byte-level BPE, and with `add_bos_token` a token
 * at the beginning of texts.
 *
 * @returns JSON text; undefined if a special token is not in the vocabulary
 */
export function tokenizerOfGpt2({ vocabulary, merges, config, special = {} }: Gpt2Files): string | undefined {
  const tokens = specialNames.flatMap((name) => tokenOf(config[name] ?? special[name]) ?? (name === 'pad_token' ? [] : { content: defaultToken, normalized: true }));
  const unique = [...new Map(tokens.map((token) => [token.content, token])).values()];
  if (unique.some(({ content }) => vocabulary[content] === undefined)) return undefined;
  const addPrefixSpace = config['add_prefix_space'] === true;
  const bytes = { type: 'ByteLevel', add_prefix_space: addPrefixSpace, trim_offsets: true, use_regex: true };
  const bos = tokenOf(config['bos_token'] ?? special['bos_token'])?.content ?? defaultToken;
  return JSON.stringify({
    version: '1.0', truncation: null, padding: null,
    added_tokens: unique.map(({ content, normalized }) => ({
      id: vocabulary[content], content, single_word: false, lstrip: false, rstrip: false, normalized, special: true,
    })).sort((a, b) => a.id - b.id),
    normalizer: null,
    pre_tokenizer: bytes,
    post_processor: config['add_bos_token'] === true
      ? {
        type: 'TemplateProcessing',
        single: [{ SpecialToken: { id: bos, type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }],
        pair: [{ SpecialToken: { id: bos, type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }, { SpecialToken: { id: bos, type_id: 1 } }, { Sequence: { id: 'B', type_id: 1 } }],
        special_tokens: { [bos]: { id: bos, ids: [vocabulary[bos]], tokens: [bos] } },
      }
      : { ...bytes, trim_offsets: false },
    decoder: bytes,
    model: {
      type: 'BPE', dropout: null, unk_token: null, continuing_subword_prefix: '', end_of_word_suffix: '', fuse_unk: false, byte_fallback: false, ignore_merges: false,
      vocab: vocabulary, merges: mergesOf(merges),
    },
  });
}

/** Parses `merges.txt`. Skips a first line that begins with `#version`. */
function mergesOf(text: string): [string, string][] {
  const lines = text.split('\n').filter((line, index) => line !== '' && !(index === 0 && line.startsWith('#version')));
  return lines.map((line) => line.trimEnd().split(' ') as [string, string]);
}

function tokenOf(value: unknown): { content: string; normalized: boolean } | undefined {
  if (typeof value === 'string') return { content: value, normalized: false };
  if (typeof value !== 'object' || value === null) return undefined;
  const { content, normalized } = value as { content?: unknown; normalized?: unknown };
  return typeof content === 'string' ? { content, normalized: normalized === true } : undefined;
}
