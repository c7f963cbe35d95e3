/** The command lines and pipeline files in the documentation are valid. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Command, Option } from 'commander';
import { describe, expect, test } from 'vitest';
import { program } from '../app/cli/main.js';
import { loadPipeline } from '../app/config/index.js';
import { blocksOf, linesOf, pages, root } from './helpers/documents.js';

interface CommandLine {
  words: string[];
  where: string;
  /** Whether it is in a code block, where nothing that is required may be left out. */
  whole: boolean;
}

/** Splits a shell line into words, up to its comment, redirection or next command. Quotes join words. */
function wordsOf(line: string): string[] {
  const words: string[] = [];
  for (const [word] of line.matchAll(/(?:'[^']*'|"[^"]*"|[^\s'"])+/g)) {
    if (/^(#.*|[|>;].*|&&)$/.test(word)) break;
    words.push(word.replaceAll(/['"]/g, ''));
  }
  return words;
}

/** Returns the command lines of `temporal-pipeline` in code blocks and in `code` spans of the text. */
function commandLines(page: string): CommandLine[] {
  const lines: CommandLine[] = [];
  let open: CommandLine | undefined;
  for (const { text, where, code } of linesOf(page)) {
    const spans = code === undefined ? [...text.matchAll(/`([^`]+)`/g)].map(([, span]) => span) : [text];
    for (const span of spans) {
      const call = /^\s*(?:\$ |# +)?(?:npx )?temporal-pipeline (.*)$/.exec(span);
      if (open === undefined && call === null) continue;
      const words = wordsOf(open === undefined ? call![1] : span);
      const line: CommandLine = { words: [...(open?.words ?? []), ...words].filter((word) => word !== '\\'), where, whole: code !== undefined };
      open = words.at(-1) === '\\' ? line : undefined;
      if (open === undefined) lines.push(line);
    }
  }
  return lines;
}

const commands = program(() => undefined);

function takesValue({ required, optional }: Option, next: string | undefined): boolean {
  return required || (optional && next !== undefined && !next.startsWith('-'));
}

/** Returns the problems of a command line: an unknown command or option, an invalid choice, too few or too many words. */
function problemsOf({ words, whole }: CommandLine): string[] {
  const problems: string[] = [];
  const given: string[] = [];
  let command: Command = commands;
  for (let index = 0; index < words.length; index++) {
    const word = words[index].replace(/^\[/, '').replace(/\]$/, '');
    if (word.startsWith('-')) {
      const option = [...command.options, ...commands.options].find(({ long, short }) => long === word || short === word);
      if (option === undefined && !['--help', '-h'].includes(word)) problems.push(`${command.name()} has no option ${word}`);
      if (option === undefined || !takesValue(option, words[index + 1])) continue;
      const value = words[++index];
      if (value === undefined) problems.push(`${word} lacks its value`);
      else if (option.argChoices !== undefined && !/^[A-Z]+$/.test(value) && !option.argChoices.includes(value)) problems.push(`${word} cannot be ${value}`);
      continue;
    }
    const child = command.commands.find((known) => known.name() === word);
    if (child !== undefined && given.length === 0) command = child;
    else if (command.commands.length > 0 && word === 'COMMAND') return problems;
    else if (command.commands.length > 0) return [...problems, `${command.name()} has no command ${word}`];
    else given.push(word);
  }
  const { registeredArguments } = command;
  const last = registeredArguments.at(-1);
  if (given.length > registeredArguments.length && last?.variadic !== true && !given.includes('...')) problems.push(`${command.name()} takes no ${given.at(-1)}`);
  if (whole && given.length < registeredArguments.filter(({ required }) => required).length) problems.push(`${command.name()} lacks an argument`);
  return problems;
}

describe.each(pages)('%s', (page) => {
  test('calls temporal-pipeline with commands and options that exist', () => {
    const wrong = commandLines(page).flatMap((line) => problemsOf(line).map((problem) => `${line.where}: ${problem}`));
    expect(wrong).toEqual([]);
  });
});

test('finds commands in the documents, and errors in them', () => {
  expect(commandLines('docs/commands.md').length).toBeGreaterThan(20);
  const wrong = (line: string): string[] => problemsOf({ words: wordsOf(line), where: '', whole: true });
  expect(wrong('run my.yaml --set a=1 --json  # a comment')).toEqual([]);
  expect(wrong('rum my.yaml')).toEqual(['temporal-pipeline has no command rum']);
  expect(wrong('run my.yaml --jsn')).toEqual(['run has no option --jsn']);
  expect(wrong('run')).toEqual(['run lacks an argument']);
  expect(wrong('schedule create my.yaml --overlap never')).toEqual(['--overlap cannot be never']);
});

const pipelines = ['README.md', 'docs/tutorial.md'].flatMap((page) =>
  blocksOf(page, 'yaml').filter((text) => /^stages:/m.test(text)).map((text) => ({ page, name: /^name: (.+)$/m.exec(text)![1], text })));

test('finds pipelines in README and tutorial', () => {
  expect(pipelines.map(({ name }) => name)).toEqual(['my-first-run', 'my-first', 'own']);
});

test.each(pipelines)('has a valid pipeline $name in $page, whose files exist', ({ text }) => {
  const folder = mkdtempSync(join(tmpdir(), 'documents-'));
  try {
    const file = join(folder, 'pipeline.yaml');
    writeFileSync(file, text);
    expect(loadPipeline(file, [], { allowFloating: false }).warnings).toEqual([]);
  } finally {
    rmSync(folder, { recursive: true });
  }
  const files = [...text.matchAll(/\.\/(pipelines\/[\w./-]+)/g)].map(([, path]) => path);
  expect(files.filter((path) => !existsSync(join(root, path)))).toEqual([]);
});
