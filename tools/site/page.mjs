/** The look of the site's pages. */

/** @param menu groups of the navigation: `{ title, pages: [{ address, title }] }` @param address of this page */
export function pageOf({ title, html, headings }, menu, address, escape) {
  const link = (to) => `<a href="${escape(to.address)}"${to.address === address ? ' aria-current="page"' : ''}>${escape(to.title)}</a>`;
  const groups = menu.map((group) => `<h2>${escape(group.title)}</h2>\n<ul>\n${group.pages.map((page) => `<li>${link(page)}</li>`).join('\n')}\n</ul>`).join('\n');
  const parts = headings.filter(({ depth }) => depth === 2).map(({ id, text }) => `<li><a href="#${escape(id)}">${escape(text)}</a></li>`).join('\n');
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escape(title)} · LLM-Barber pipelines</title>
<link rel="stylesheet" href="style.css">
<script src="search.js" defer></script>
<nav aria-label="Pages">
<p><a class="home" href="index.html">LLM-Barber pipelines</a></p>
<input type="search" id="search" placeholder="Search" aria-label="Search the documents">
<ul id="found" aria-live="polite"></ul>
${groups}
</nav>
<main>
${parts === '' ? '' : `<details><summary>On this page</summary>\n<ul>\n${parts}\n</ul>\n</details>`}
${html}
</main>
</html>
`;
}

/** Returns the script that finds pages with all search words. Pages with the words in the title or in headings come first. */
export function searchScript(pages) {
  return `const pages = ${JSON.stringify(pages).replaceAll('<', '\\u003c')};
const field = document.getElementById('search'), list = document.getElementById('found');
field.addEventListener('input', () => {
  const words = field.value.toLowerCase().split(/\\s+/).filter((word) => word !== '');
  const has = (text) => words.every((word) => text.toLowerCase().includes(word));
  const hits = words.length === 0 ? [] : pages.flatMap(({ address, title, headings, text }) => {
    const heads = headings.filter((heading) => has(heading.text)).map(({ id, text }) => ({ address: address + '#' + id, title: title + ': ' + text, rank: 1 }));
    return has(title) ? [{ address, title, rank: 0 }, ...heads] : heads.length > 0 ? heads : has(text) ? [{ address, title, rank: 2 }] : [];
  });
  hits.sort((a, b) => a.rank - b.rank);
  list.replaceChildren(...hits.slice(0, 20).map(({ address, title }) => {
    const [item, link] = [document.createElement('li'), document.createElement('a')];
    link.href = address;
    link.textContent = title;
    item.append(link);
    return item;
  }));
});
`;
}

export const style = `:root { color-scheme: light dark; --line: light-dark(#ddd, #444); --soft: light-dark(#f5f5f5, #222); --link: light-dark(#0550ae, #79b8ff); }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 78rem; display: grid; grid-template-columns: 16rem minmax(0, 1fr); font: 16px/1.55 system-ui, sans-serif; }
nav { padding: 1rem; border-right: 1px solid var(--line); height: 100vh; overflow: auto; position: sticky; top: 0; font-size: 0.9rem; }
nav h2 { font-size: 0.9rem; margin: 1rem 0 0.2rem; border: 0; }
nav ul { list-style: none; margin: 0; padding: 0; }
nav li { padding: 0.1rem 0; }
nav input { width: 100%; padding: 0.3rem 0.5rem; font: inherit; }
.home { font-weight: bold; }
a { color: var(--link); text-decoration: none; }
a:hover, main p a, main li a { text-decoration: underline; }
[aria-current] { font-weight: bold; color: inherit; }
main { padding: 1rem 2rem 4rem; }
h2 { border-bottom: 1px solid var(--line); padding-bottom: 0.2rem; margin-top: 2rem; }
.here { visibility: hidden; }
:is(h1, h2, h3, h4):hover .here, .here:focus { visibility: visible; }
pre, code { background: var(--soft); font-size: 0.875em; font-family: ui-monospace, monospace; }
code { padding: 0.1em 0.3em; }
pre { padding: 0.8rem; overflow-x: auto; }
pre code { padding: 0; }
table { border-collapse: collapse; display: block; overflow-x: auto; }
th, td { border: 1px solid var(--line); padding: 0.3rem 0.6rem; text-align: left; vertical-align: top; }
img { max-width: 100%; background: #fff; }
@media (max-width: 50rem) { body { display: block; } nav { position: static; height: auto; border: 0; } main { padding: 1rem; } }
`;
