/** Everything that the documentation refers to must exist: linked pages, and files and folders of the repository. */
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { linesOf, pages, root } from './helpers/documents.js';

const longestLine = 120;
/** Pages that tools write. */
const generatedPages = ['docs/pipeline-reference.md'];

const folders = readdirSync(root, { withFileTypes: true }).filter((entry) => entry.isDirectory()).map(({ name }) => name);

const found = (page: string, pattern: RegExp): { text: string; where: string }[] =>
  linesOf(page).flatMap(({ text: line, where }) => [...line.matchAll(pattern)].map(([, text]) => ({ text, where })));

/** Whether a path exists. Its last part may contain stars. */
function exists(path: string): boolean {
  if (!path.includes('*')) return existsSync(join(root, path));
  const [folder, name] = [dirname(path), path.slice(path.lastIndexOf('/') + 1)];
  const pattern = new RegExp(`^${name.split('*').map((part) => part.replaceAll('.', '\\.')).join('.*')}$`);
  return existsSync(join(root, folder)) && readdirSync(join(root, folder)).some((entry) => pattern.test(entry));
}

describe.each(pages)('%s', (page) => {
  test('links to files that exist', () => {
    const links = found(page, /\]\(([^)\s]+)\)/g).filter(({ text }) => !/^(https?:|#|mailto:)/.test(text));
    const missing = links.filter(({ text }) => !existsSync(join(root, dirname(page), text.split('#')[0])));
    expect(missing).toEqual([]);
  });

  test('names files and folders that exist', () => {
    const paths = found(page, /`((?:\.\/)?[\w.-]+\/[\w./*-]+)`/g).filter(({ text }) => folders.includes(text.split('/')[0]) && !/^(dist|node_modules|\.llm-barber)\b/.test(text));
    const missing = paths.filter(({ text }) => !exists(text));
    expect(missing).toEqual([]);
  });

  test(`has no line of more than ${longestLine} characters`, () => {
    const written = generatedPages.includes(page) ? [] : linesOf(page);
    const long = written.filter(({ text, code, generated }) => code === undefined && !generated && [...text].length > longestLine);
    expect(long.map(({ where }) => where)).toEqual([]);
  });
});

test('keeps the README to at most 120 lines', () => {
  const last = linesOf('README.md').at(-1)!;
  expect(Number(last.where.split(':')[1])).toBeLessThanOrEqual(121);
});
