import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type * as library from 'tokenizers';
import { requirePackage, setUpCommand } from '#setup/paths.mjs';
import { cuttingOf, cutText } from './cut-text.js';
import { InvalidTextError, MissingTokenizerError, TokenizerLibraryError, UnsupportedTokenizerError } from './errors.js';
import { gpt2Classes, gpt2Files, tokenizerOfGpt2 } from './gpt2-files.js';
import { unknownComponent, type TokenizerJson } from './tokenizer-file.js';

/** Converts text to the tokens that a model was trained with. */
export interface Tokenizer {
  /**
   * Returns the token ids of a whole text. With `specialTokens`, includes those that the tokenizer puts before and after a text.
   *
   * @throws InvalidTextError, UnsupportedTokenizerError
   */
  encode: (text: string, options?: { specialTokens: boolean }) => Promise<Int32Array>;
  /** Ids of the tokens that begin and end a text, if the tokenizer has them. */
  special: { bos?: number; eos?: number };
  /** Largest token id plus 1. */
  vocabularySize: number;
  /** Paths of the files that determine the result of `encode`; absolute or relative like the given `folder`. */
  digestSource: string[];
}

export interface LoadOptions {
  /** Characters per part, if a long text may be cut. Does not change the tokens. */
  partLength?: number;
}

const tokenizerFile = 'tokenizer.json';
const configFile = 'tokenizer_config.json';

/** Names of the files in a model folder that determine its tokens. */
export const tokenizerFiles: readonly string[] = [tokenizerFile, configFile, ...Object.values(gpt2Files)];

/** Parts passed to the library at once. It encodes them on all cores. */
const partsAtOnce = 8;

/**
 * Opens the tokenizer of a model folder: `tokenizer.json`, and `tokenizer_config.json` if there is one. A folder without
 * `tokenizer.json` may have the files of GPT-2's tokenizer, as OPT repositories do.
 *
 * @throws MissingTokenizerError, UnsupportedTokenizerError, TokenizerLibraryError
 */
export async function loadTokenizer(folder: string, { partLength = 65_536 }: LoadOptions = {}): Promise<Tokenizer> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    throw new MissingTokenizerError(
      { what: `the folder cannot be read (${error.message})`, where: folder, remedy: 'Correct model.source' }, { cause: error });
  });
  const digestSource: string[] = [];
  const read = async (name: string): Promise<string> => {
    digestSource.push(join(folder, name));
    return readFile(join(folder, name), 'utf8');
  };
  const readJson = async (name: string): Promise<Record<string, unknown>> => parse(await read(name), join(folder, name)) as Record<string, unknown>;
  const whole = names.includes(tokenizerFile) ? await read(tokenizerFile) : undefined;
  const config = names.includes(configFile) ? await readJson(configFile) : {};
  const { text, path } = whole === undefined ? await fromGpt2Files(folder, names, config, { read, readJson }) : { text: whole, path: join(folder, tokenizerFile) };
  const json = parse(text, path) as TokenizerJson;
  const { Tokenizer: Original } = openLibrary();
  const original = open(Original, text, json, path);
  const vocabularySize = Object.values(original.getVocab(true)).reduce((largest, id) => Math.max(largest, id), -1) + 1;
  return { encode: encoderOf(original, json, path, partLength), special: specialTokensOf(original, config), vocabularySize, digestSource };
}

interface Readers {
  read: (name: string) => Promise<string>;
  readJson: (name: string) => Promise<Record<string, unknown>>;
}

/** Returns the text of the `tokenizer.json` that transformers would make, and the path of its main source. */
async function fromGpt2Files(folder: string, names: readonly string[], config: Record<string, unknown>, { read, readJson }: Readers): Promise<{ text: string; path: string }> {
  const { vocabulary, merges, special } = gpt2Files;
  const isComplete = names.includes(vocabulary) && names.includes(merges) && gpt2Classes.includes(config['tokenizer_class']);
  if (!isComplete) throw missingTokenizer(folder, names);
  const path = join(folder, vocabulary);
  const text = tokenizerOfGpt2({
    vocabulary: await readJson(vocabulary) as Record<string, number>, merges: await read(merges), config,
    ...(names.includes(special) && { special: await readJson(special) }),
  });
  if (text === undefined) {
    throw new UnsupportedTokenizerError({ what: 'a special token is not in the vocabulary', where: path, remedy: `Check ${configFile}, or save the tokenizer with transformers` });
  }
  return { text, path };
}

/** Loads the library at first use, because it is a native library of 5 MB. */
function openLibrary(): typeof library {
  try {
    return requirePackage('tokenizers') as typeof library;
  } catch (error) {
    throw new TokenizerLibraryError({
      what: `the tokenizers library cannot be loaded on ${process.platform} ${process.arch} (${(error as Error).message.split('\n')[0]})`,
      expected: 'Linux (x64 with glibc 2.14 or arm64 with glibc 2.30, or musl), macOS or Windows',
      remedy: `Run \`${setUpCommand}\` on this machine, or use another one (docs/tokenizers.md)`,
    }, { cause: error });
  }
}

function open(Original: typeof library.Tokenizer, text: string, json: TokenizerJson, path: string): library.Tokenizer {
  const dropout = json.model?.dropout ?? 0;
  if (dropout !== 0) {
    throw new UnsupportedTokenizerError({
      what: `model.dropout is ${JSON.stringify(dropout)}, so the same text gets different tokens each time`, where: path, expected: 'null',
      remedy: 'Set it to null; only training uses it',
    });
  }
  let original: library.Tokenizer;
  try {
    original = Original.fromString(text);
  } catch (error) {
    const unknown = unknownComponent(json);
    throw new UnsupportedTokenizerError({
      what: unknown === undefined ? `the tokenizers library cannot read it (${(error as Error).message})` : `${unknown} is not known to the tokenizers library 0.23`,
      where: path, remedy: 'Get the file again, or save it with a current version of transformers',
    }, { cause: error });
  }
  // Truncation and padding are for batches of model inputs. transformers turns them off too, unless asked for.
  original.disableTruncation();
  original.disablePadding();
  return original;
}

function encoderOf(original: library.Tokenizer, json: TokenizerJson, path: string, partLength: number): Tokenizer['encode'] {
  const cutting = cuttingOf(json);
  const batch = async (texts: string[], addSpecialTokens: boolean): Promise<library.Encoding[]> => {
    try {
      return await original.encodeBatch(texts, { addSpecialTokens });
    } catch (error) {
      throw new UnsupportedTokenizerError({
        what: `the tokenizer cannot encode the text (${(error as Error).message})`, where: path, remedy: 'Check that the file is complete, and that it has a token for unknown text',
      }, { cause: error });
    }
  };
  return async (text, { specialTokens } = { specialTokens: false }) => {
    mustHaveWholeCharacters(text);
    const parts = cutting === undefined ? [text] : cutText(text, cutting, partLength);
    if (parts.length === 1) return Int32Array.from((await batch(parts, specialTokens))[0].getIds());
    const ids: Int32Array[] = [];
    for (let begin = 0; begin < parts.length; begin += partsAtOnce) {
      for (const encoding of await batch(parts.slice(begin, begin + partsAtOnce), false)) ids.push(Int32Array.from(encoding.getIds()));
    }
    if (!specialTokens) return joined(ids);
    const [first] = await batch(parts.slice(0, 1), true);
    const around = first.getIds();
    const mask = first.getSpecialTokensMask();
    const before = mask.indexOf(0);
    const after = before + ids[0].length;
    const simple = before >= 0 && mask.lastIndexOf(0) === after - 1 && ids[0].every((id, i) => id === around[before + i]);
    // A template can do more than add tokens before and after a text. For example, it can repeat the text.
    if (!simple) return Int32Array.from((await batch([text], true))[0].getIds());
    return joined([Int32Array.from(around.slice(0, before)), ...ids, Int32Array.from(around.slice(after))]);
  };
}

function joined(parts: readonly Int32Array[]): Int32Array {
  const whole = new Int32Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Refuses half of a surrogate pair, as Python's tokenizers does. The library here would read it as U+FFFD. */
function mustHaveWholeCharacters(text: string): void {
  const at = /\p{Surrogate}/u.exec(text)?.index;
  if (at === undefined) return;
  const half = `\\u${text.charCodeAt(at).toString(16)}`;
  throw new InvalidTextError({
    what: `the text has ${half}, which is half a character, after ${JSON.stringify(text.slice(Math.max(0, at - 20), at))}`, expected: 'whole characters',
    remedy: 'Find this escape in the JSON of the text and remove it',
  });
}

/** Reads the special tokens from `tokenizer_config.json`, which names them as text or as objects. */
function specialTokensOf(original: library.Tokenizer, config: Record<string, unknown>): Tokenizer['special'] {
  const idOf = (key: string): number | undefined => {
    const value = config[key];
    const token = typeof value === 'object' && value !== null ? (value as { content?: unknown }).content : value;
    return typeof token === 'string' ? original.tokenToId(token) ?? undefined : undefined;
  };
  const [bos, eos] = [idOf('bos_token'), idOf('eos_token')];
  return { ...(bos !== undefined && { bos }), ...(eos !== undefined && { eos }) };
}

function missingTokenizer(folder: string, names: readonly string[]): MissingTokenizerError {
  const old = names.filter((name) => name === 'tokenizer.model' || name === 'vocab.json' || name === 'spiece.model');
  return new MissingTokenizerError({
    what: `the folder has no ${tokenizerFile}${old.length === 0 ? '' : `, only ${old.join(', ')}`}`, where: folder,
    remedy: old.length === 0
      ? `Copy the model's ${tokenizerFile} into the folder`
      : `Convert it: python -c "from transformers import AutoTokenizer as T; T.from_pretrained('${folder}', use_fast=True).save_pretrained('${folder}')"`,
  });
}

function parse(text: string, path: string): object {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new UnsupportedTokenizerError({ what: `this is not JSON (${(error as Error).message})`, where: path, remedy: 'Get the file again' }, { cause: error });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new UnsupportedTokenizerError({ what: 'this is not a JSON object', where: path, remedy: 'Get the file again' });
  }
  return value;
}
