import { nearest } from '../../config/nearest.js';
import { CommandLineError } from '../errors.js';
import { exitCode } from '../exit-codes.js';
import { keysNamed, keysOf, type Key } from '../explain/keys.js';
import { printJson } from '../output.js';
import { labelled, textTable } from '../text-table.js';

/**
 * `explain [KEY]`: shows the meaning of a key of the pipeline file, its default, its range, and where the schema defines it. Without a key
 * it lists all keys, one per line.
 * @returns the exit code
 * @throws CommandLineError if there is no such key
 */
export function explainCommand(name: string | undefined, { json }: { json: boolean }): number {
  const keys = keysOf();
  const found = name === undefined ? keys : keysNamed(name, keys);
  if (found.length === 0) throw unknown(name ?? '', keys);
  if (json) printJson({ keys: found });
  else if (name === undefined) process.stdout.write(`${textTable(keys.map(({ path, meaning }) => [path, firstSentence(meaning)]))}\n`);
  else process.stdout.write(`${found.map(explanation).join('\n\n')}\n`);
  return exitCode.done;
}

function explanation({ path, meaning, range, default: value, required, choices, examples, pointer }: Key): string {
  const rows: [string, string][] = [
    ['meaning', meaning],
    ['value', range],
    ...choices.filter(({ meaning }) => meaning !== '').map(({ value, meaning }): [string, string] => ['', `${value}: ${meaning}`]),
    ['default', defaultText({ default: value, meaning, required })],
    ...examples.slice(0, 1).map((example): [string, string] => ['example', typeof example === 'string' ? example : JSON.stringify(example)]),
    ['source', `schemas/pipeline.schema.json ${pointer}; docs/pipeline-reference.md`],
  ];
  return `${path}\n${labelled(rows).trimEnd()}`;
}

function defaultText({ default: value, meaning, required }: Pick<Key, 'default' | 'meaning' | 'required'>): string {
  if (value !== undefined) return JSON.stringify(value);
  if (required) return 'none: it is required';
  // The default depends on other keys. The text says how.
  return /\bdefaults?\b/i.test(meaning) ? 'see the meaning' : 'none';
}

function firstSentence(text: string): string {
  return /^.*?\.(?= [A-Z`]|$)/.exec(text)?.[0] ?? text;
}

function unknown(name: string, keys: readonly Key[]): CommandLineError {
  const last = name.split('.').at(-1) ?? '';
  const meant = nearest(name, keys.map(({ path }) => path)) ?? nearest(last, keys.map(({ path }) => path.split('.').at(-1) ?? ''));
  return new CommandLineError({
    what: `the pipeline file has no key ${JSON.stringify(name)}`,
    remedy: meant === undefined ? 'List all keys with `npx temporal-pipeline explain`' : `Perhaps you mean \`${meant}\``,
  });
}
