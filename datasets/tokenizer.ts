import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { MissingTokenizerError, UnsupportedTokenizerError } from './errors.js';
import { LibraryTokenizer } from './library.js';
import { cutterAtMergeBoundaries, type Merge } from './merge-boundaries.js';

/** Text -> tokens, as a model was trained with. */
export interface Tokenizer {
  /** A whole text's token ids; with `specialTokens`, those that the tokenizer puts before and after a text, too. */
  encode: (text: string, options?: { specialTokens: boolean }) => Int32Array;
  /** The token that texts begin with, and the one that ends them, where the tokenizer has such. */
  special: { bos?: number; eos?: number };
  /** Largest token id plus 1. */
  vocabularySize: number;
  /** Absolute or relative paths, as `folder` was given, of the files that decide what `encode` gives. */
  digestSource: string[];
}

/** The parts of `tokenizer.json` that matter here. */
interface TokenizerJson {
  added_tokens?: { id: number; content: string }[];
  pre_tokenizer: PreTokenizerJson | null;
  model: {
    type?: string;
    merges?: Merge[];
    end_of_word_suffix?: string | null;
    continuing_subword_prefix?: string | null;
    ignore_merges?: boolean;
  };
}

interface PreTokenizerJson {
  type?: string;
  behavior?: string;
  pretokenizers?: PreTokenizerJson[];
}

const tokenizerFile = 'tokenizer.json';
const configFile = 'tokenizer_config.json';

/** Names of the files of a model folder that decide what its tokenizer gives. */
export const tokenizerFiles: readonly string[] = [tokenizerFile, configFile];

/**
 * Opens the tokenizer of a model folder: `tokenizer.json`, and `tokenizer_config.json` where there is one.
 *
 * @throws MissingTokenizerError, UnsupportedTokenizerError
 */
export async function loadTokenizer(folder: string): Promise<Tokenizer> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    throw new MissingTokenizerError(
      { what: `the folder cannot be read (${error.message})`, where: folder, remedy: 'Correct model.source' }, { cause: error });
  });
  if (!names.includes(tokenizerFile)) throw missingTokenizer(folder, names);
  const path = join(folder, tokenizerFile);
  const json = await readJson(path) as TokenizerJson;
  const digestSource = [path];
  let config: Record<string, unknown> = {};
  if (names.includes(configFile)) {
    const configPath = join(folder, configFile);
    config = await readJson(configPath) as Record<string, unknown>;
    digestSource.push(configPath);
  }
  const library = createLibrary(json, config, path);
  const vocabularySize = [...library.get_vocab().values()].reduce((largest, id) => Math.max(largest, id), -1) + 1;
  const encodeText = (text: string, { specialTokens } = { specialTokens: false }): Int32Array => encode(library, text, path, specialTokens);
  return { encode: encodeText, special: specialTokensOf(library, json, config), vocabularySize, digestSource };
}

/** `tokenizer_config.json` names them, as text or with settings. */
function specialTokensOf(library: LibraryTokenizer, { added_tokens = [] }: TokenizerJson, config: Record<string, unknown>): Tokenizer['special'] {
  const idOf = (key: string): number | undefined => {
    const value = config[key];
    const token = typeof value === 'object' && value !== null ? (value as { content?: unknown }).content : value;
    if (typeof token !== 'string') return undefined;
    return added_tokens.find(({ content }) => content === token)?.id ?? library.get_vocab().get(token);
  };
  const [bos, eos] = [idOf('bos_token'), idOf('eos_token')];
  return { ...(bos !== undefined && { bos }), ...(eos !== undefined && { eos }) };
}

function createLibrary(json: TokenizerJson, config: object, path: string): LibraryTokenizer {
  let library: LibraryTokenizer;
  try {
    library = new LibraryTokenizer(json, config);
  } catch (error) {
    throw new UnsupportedTokenizerError({
      what: `the tokenizer cannot be used (${(error as Error).message})`, where: path,
      remedy: 'Get the file again, or save it anew with a current version of transformers',
    }, { cause: error });
  }
  const inexact = inexactSplit(json.pre_tokenizer);
  if (inexact !== undefined) {
    throw new UnsupportedTokenizerError({
      what: `its pre-tokenizer splits with behaviour ${inexact}, which would not give the model's own tokens`, where: path,
      expected: 'Isolated or Removed', remedy: 'Use a model with another tokenizer',
    });
  }
  const { type, merges, end_of_word_suffix, continuing_subword_prefix, ignore_merges } = json.model;
  // Where whole words are looked up, or their ends are marked, a cut within a word would show.
  if (type === 'BPE' && merges !== undefined && !end_of_word_suffix && !continuing_subword_prefix && ignore_merges !== true) {
    const cut = cutterAtMergeBoundaries(merges);
    const inner = library.pre_tokenizer;
    library.pre_tokenizer = inner === null ? cut : (text, options) => inner(text, options).flatMap(cut);
  }
  return library;
}

/** The behaviour of a Split pre-tokenizer that the library takes for Isolated. */
function inexactSplit(json: PreTokenizerJson | null): string | undefined {
  if (json === null) return undefined;
  if (json.type === 'Split' && /^(mergedwith|contiguous)/i.test(json.behavior ?? '')) return json.behavior;
  return json.pretokenizers?.map(inexactSplit).find((behavior) => behavior !== undefined);
}

function encode(library: LibraryTokenizer, text: string, path: string, specialTokens: boolean): Int32Array {
  const { ids } = library.encode(text, { add_special_tokens: specialTokens });
  const result = new Int32Array(ids.length);
  for (const [i, id] of ids.entries()) {
    if (id === undefined) {
      throw new UnsupportedTokenizerError({
        what: `token ${i} of the text is not in the vocabulary, and neither is the token for unknown text`, where: path,
        remedy: 'Check that tokenizer.json is complete',
      });
    }
    result[i] = id;
  }
  return result;
}

function missingTokenizer(folder: string, names: readonly string[]): MissingTokenizerError {
  const old = names.filter((name) => name === 'tokenizer.model' || name === 'vocab.json' || name === 'spiece.model');
  return new MissingTokenizerError({
    what: `there is no ${tokenizerFile}${old.length === 0 ? '' : `, only ${old.join(', ')}`}`, where: folder,
    remedy: old.length === 0
      ? `Copy the model's ${tokenizerFile} into the folder`
      : `Convert it: python -c "from transformers import AutoTokenizer as T; T.from_pretrained('${folder}', use_fast=True).save_pretrained('${folder}')"`,
  });
}

async function readJson(path: string): Promise<object> {
  let value: unknown;
  try {
    value = JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new UnsupportedTokenizerError({ what: `this is not JSON (${error.message})`, where: path, remedy: 'Get the file again' }, { cause: error });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new UnsupportedTokenizerError({ what: 'this is not a JSON object', where: path, remedy: 'Get the file again' });
  }
  return value;
}
