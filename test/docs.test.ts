/** What the documents name must be there: links between pages, and files and folders of the repository. */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';

const root = join(import.meta.dirname, '..');
const pages = ['README.md', 'CHANGELOG.md', ...readdirSync(join(root, 'docs')).filter((name) => name.endsWith('.md')).map((name) => `docs/${name}`)];
const folders = readdirSync(root, { withFileTypes: true }).filter((entry) => entry.isDirectory()).map(({ name }) => name);

const linesOf = (page: string): string[] => readFileSync(join(root, page), 'utf8').split('\n');
const found = (page: string, pattern: RegExp): { text: string; where: string }[] =>
  linesOf(page).flatMap((line, index) => [...line.matchAll(pattern)].map(([, text]) => ({ text, where: `${page}:${index + 1}` })));

/** A path, with stars in its last part at most. */
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
});
