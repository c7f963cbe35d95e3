/**
 * Builds a site from the documents: `npm run docs`, or `node tools/site/build.mjs [FOLDER [REPOSITORY]]` (default: `dist/site`,
 * and this repository).
 *
 * The list under "Documentation" in README.md is the navigation. Faults are documents that are not in this list, and broken links and
 * anchors. If there are any, they are listed and the exit code is 1. The pages need no server.
 */
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, posix } from 'node:path';
import { Marked } from 'marked';
import { builtFolder, packageRoot } from '../setup/paths.mjs';
import { pageOf, searchScript, style } from './page.mjs';

const escape = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

/** Returns the groups of README's list of documents: `{ title, pages: [file] }`. */
function navigation(root) {
  const [, list = ''] = readFileSync(join(root, 'README.md'), 'utf8').split('\n## Documentation\n');
  return [...list.matchAll(/^\* \*\*(.+?)\*\*:((?:.|\n {2})*)/gm)].map(([, title, text]) => ({ title, pages: [...text.matchAll(/\]\(([^)]+)\)/g)].map(([, file]) => file) }));
}

/** Returns the address of a document: `docs/plan.md` becomes `plan.html`, and the README is the first page. */
function addressOf(file) {
  if (file === 'README.md') return 'index.html';
  if (!file.endsWith('.md')) return `files/${file}`;
  return file.startsWith('docs/') ? `${basename(file, '.md')}.html` : `${file.slice(0, -3).replaceAll('/', '-').toLowerCase()}.html`;
}

/** Makes the same heading ids as GitHub, so that links work there and here. */
function newIds() {
  const seen = new Map();
  return (heading) => {
    const id = heading.toLowerCase().replaceAll(/[^\p{L}\p{N}\p{M} _-]/gu, '').replaceAll(' ', '-');
    const times = seen.get(id) ?? 0;
    seen.set(id, times + 1);
    return times === 0 ? id : `${id}-${times}`;
  };
}

const plainText = (tokens) => tokens.map((token) => (token.tokens === undefined ? token.text ?? '' : plainText(token.tokens))).join('');

/** Renders a page, and collects its links. */
function render(file, root) {
  const idOf = newIds();
  const page = { file, title: file, headings: [], ids: new Set(), links: [] };
  const target = (href) => {
    if (/^[a-z]+:/i.test(href)) return href;
    const [path, anchor] = href.split('#');
    const named = path === '' ? file : posix.normalize(posix.join(posix.dirname(file), decodeURIComponent(path)));
    const linked = statSync(join(root, named), { throwIfNoEntry: false })?.isDirectory() ? posix.join(named, 'README.md') : named;
    page.links.push({ href, file: linked, anchor });
    return `${addressOf(linked)}${anchor === undefined ? '' : `#${anchor}`}`;
  };
  const marked = new Marked({
    gfm: true,
    renderer: {
      heading({ tokens, depth }) {
        const text = plainText(tokens);
        const id = idOf(text);
        page.ids.add(id);
        if (depth === 1) page.title = text;
        else page.headings.push({ id, text, depth });
        return `<h${depth} id="${escape(id)}">${this.parser.parseInline(tokens)} <a class="here" href="#${escape(id)}" aria-label="Link to this heading">#</a></h${depth}>\n`;
      },
      link({ href, tokens }) {
        return `<a href="${escape(target(href))}">${this.parser.parseInline(tokens)}</a>`;
      },
      image({ href, text }) {
        return `<img src="${escape(target(href))}" alt="${escape(text)}">`;
      },
      html({ text }) {
        return /^(<br ?\/?>|<!--.*-->\n*)$/s.test(text) ? text : escape(text);
      },
    },
  });
  page.html = marked.parse(readFileSync(join(root, file), 'utf8'));
  return page;
}

/** Collects all pages: those of the navigation, those that they link to, and so on. */
function collect(listed, root) {
  const [pages, files] = [new Map(), []];
  const wanted = new Set(listed);
  for (const file of wanted) {
    if (!existsSync(join(root, file))) continue;
    if (!file.endsWith('.md')) {
      files.push(file);
      continue;
    }
    const page = render(file, root);
    pages.set(file, page);
    for (const { file: linked } of page.links) wanted.add(linked);
  }
  return { pages, files };
}

/** Lists the faults of the documents. */
function faultsOf(pages, listed, root) {
  const documents = readdirSync(join(root, 'docs')).filter((name) => name.endsWith('.md')).map((name) => `docs/${name}`);
  const faults = documents.filter((file) => !listed.includes(file)).map((file) => `README.md: ${file} is not in the list of documents`);
  for (const { file, links } of pages.values()) {
    for (const { href, file: linked, anchor } of links) {
      if (!existsSync(join(root, linked))) faults.push(`${file}: the link ${href} leads nowhere`);
      else if (anchor !== undefined && pages.get(linked)?.ids.has(anchor) === false) faults.push(`${file}: the link ${href} names a heading that does not exist`);
    }
  }
  return faults;
}

/** A file of the site that identifies the folder of an earlier build. */
const mark = 'search.js';

/** Empties the folder of an earlier build. @throws if the folder contains something else */
function empty(folder) {
  if (existsSync(folder) && readdirSync(folder).length > 0 && !existsSync(join(folder, mark))) {
    throw new Error(`${folder} is not empty, and no site was built there. Name a new folder.`);
  }
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
}

/** Builds the site of a repository into a folder. Returns the number of pages, and the faults of the documents. */
export function buildSite(folder, root = packageRoot) {
  const groups = navigation(root);
  const listed = ['README.md', ...groups.flatMap(({ pages }) => pages)];
  const { pages, files } = collect(listed, root);
  empty(folder);
  const menu = groups.map(({ title, pages: own }) => ({ title, pages: own.map((file) => ({ address: addressOf(file), title: pages.get(file)?.title ?? file })) }));
  for (const page of pages.values()) writeFileSync(join(folder, addressOf(page.file)), pageOf(page, menu, addressOf(page.file), escape));
  for (const file of files) {
    mkdirSync(join(folder, dirname(addressOf(file))), { recursive: true });
    copyFileSync(join(root, file), join(folder, addressOf(file)));
  }
  const words = [...pages.values()].map(({ file, title, headings, html }) => ({ address: addressOf(file), title, headings, text: html.replaceAll(/<[^>]*>/g, ' ').replaceAll(/\s+/g, ' ') }));
  writeFileSync(join(folder, 'style.css'), style);
  writeFileSync(join(folder, mark), searchScript(words));
  return { pages: pages.size, faults: faultsOf(pages, listed, root) };
}

if (process.argv[1]?.endsWith(join('site', 'build.mjs'))) {
  const [folder = join(builtFolder, 'site'), root] = process.argv.slice(2);
  const { pages, faults } = buildSite(folder, root);
  for (const fault of faults) console.error(fault);
  console.log(`${pages} pages: ${join(folder, 'index.html')}`);
  process.exitCode = faults.length === 0 ? 0 : 1;
}
