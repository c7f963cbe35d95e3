/** The site of the documentation: every document is in its navigation, and its links lead somewhere. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';

const folder = mkdtempSync(join(tmpdir(), 'site-'));
const site = join(folder, 'site');
afterAll(() => rmSync(folder, { recursive: true }));

const build = (...words: string[]) => spawnSync(process.execPath, ['tools/site/build.mjs', ...words], { encoding: 'utf8' });
const decode = (text: string): string => text.replaceAll('&quot;', '"').replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&');

let pages: Map<string, string>;
beforeAll(() => {
  const { status, stderr } = build(site);
  expect(status, stderr).toBe(0);
  pages = new Map(readdirSync(site).filter((name) => name.endsWith('.html')).map((name) => [name, readFileSync(join(site, name), 'utf8')]));
});

it('lists every document in the navigation of every page', () => {
  const documents = readdirSync('docs').filter((name) => name.endsWith('.md')).map((name) => name.replace('.md', '.html'));
  for (const html of pages.values()) {
    const [menu] = /<nav.*<\/nav>/s.exec(html) ?? [''];
    const reached = [...menu.matchAll(/href="([^"]+)"/g)].map(([, address]) => address);
    expect(reached).toEqual(expect.arrayContaining([...documents, 'contributing.html', 'changelog.html']));
    for (const group of ['Start', 'How to', 'Reference', 'Understand', 'Operate', 'Contribute']) expect(menu).toContain(`<h2>${group}</h2>`);
  }
});

it('has no broken link, picture or anchor', () => {
  const lost: string[] = [];
  for (const [name, html] of pages) {
    for (const [, address] of html.matchAll(/(?:href|src)="([^"]+)"/g)) {
      if (/^https?:/.test(address)) continue;
      const [path, anchor] = decode(address).split('#');
      const target = path === '' ? name : path;
      if (!existsSync(join(site, target))) lost.push(`${name}: ${address}`);
      else if (anchor !== undefined && !(pages.get(target) ?? '').includes(`id="${anchor}"`)) lost.push(`${name}: ${address}`);
    }
  }
  expect(lost).toEqual([]);
});

it('shows the content of the documents: tables, code, and text that looks like a tag', () => {
  const plan = pages.get('install.html')!;
  expect(plan).toContain('<table>');
  expect(plan).toContain('<code class="language-sh">npm install llm-barber-pipeline');
  expect([...pages.values()].join('')).not.toMatch(/<(state|name|sweep|workflow)[ >]/);
});

it('finds broken links, missing headings, and documents that the README does not list', () => {
  const root = join(folder, 'broken');
  const write = (name: string, text: string): void => {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), text);
  };
  write('README.md', '# A\n\n## Documentation\n\n* **Start**: [b](docs/b.md)\n');
  write('docs/b.md', '# B\n\n[gone](gone.md) [there](#a-heading) [not there](../README.md#nothing)\n\n## A `heading`\n');
  write('docs/c.md', '# C\n');
  const { status, stderr } = build(join(folder, 'out'), root);
  expect(status).toBe(1);
  expect(stderr.trim().split('\n')).toEqual([
    'README.md: docs/c.md is not in the list of documents',
    'docs/b.md: the link gone.md leads nowhere',
    'docs/b.md: the link ../README.md#nothing names a heading that does not exist',
  ]);
});
