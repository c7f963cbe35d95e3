/** The script of the page. It inserts new parts, and sends forms without leaving the page. */
import { sortFunction } from '../../report/page/sort-script.js';

export const script = `'use strict';
(() => {${sortFunction}
  const banner = document.getElementById('connection');
  const said = document.getElementById('said');
  const { events, view } = document.body.dataset;
  const say = (where, text) => { if (where) { where.textContent = text; where.hidden = text === ''; } };

  /* What a person has chosen or opened stays. */
  const put = (id, html) => {
    const place = document.getElementById(id);
    if (!place) return;
    const chosen = new Set([...place.querySelectorAll('input:checked')].map(({ value }) => value));
    const open = [...place.querySelectorAll('details')].map((one) => one.open);
    const scrolled = [...place.querySelectorAll('.scroll')].map(({ scrollLeft, scrollTop }) => [scrollLeft, scrollTop]);
    const focused = place.contains(document.activeElement) ? pathTo(place, document.activeElement) : undefined;
    const by = [...place.querySelectorAll('table.sort')].map((table) => {
      const heads = [...table.tHead.rows[0].cells];
      const head = heads.find((one) => one.hasAttribute('aria-sort'));
      return { name: head?.textContent, clicks: head?.getAttribute('aria-sort') === 'descending' ? 2 : 1 };
    });
    place.innerHTML = html;
    makeSortable(place);
    place.querySelectorAll('table.sort').forEach((table, index) => {
      const { name, clicks } = by[index] ?? {};
      const head = [...table.tHead.rows[0].cells].find(({ textContent }) => textContent === name);
      for (let click = 0; head && click < clicks; click++) head.querySelector('button').click();
    });
    for (const box of place.querySelectorAll('input[type=checkbox]')) box.checked = chosen.has(box.value);
    place.querySelectorAll('details').forEach((one, index) => { one.open = open[index] === true; });
    place.querySelectorAll('.scroll').forEach((one, index) => one.scrollTo(...(scrolled[index] ?? [0, 0])));
    if (focused) focused.reduce((node, index) => node?.children[index], place)?.focus({ preventScroll: true });
  };
  const pathTo = (place, element) => {
    const path = [];
    for (let node = element; node !== place; node = node.parentElement) path.unshift([...node.parentElement.children].indexOf(node));
    return path;
  };

  makeSortable(document);

  if (events) {
    const source = new EventSource(events);
    source.addEventListener('open', () => say(banner, ''));
    source.addEventListener('part', ({ data }) => { const { id, html } = JSON.parse(data); put(id, html); });
    source.addEventListener('outage', ({ data }) => say(banner, data));
    source.addEventListener('view', ({ data }) => { if (view && data !== view && !location.search.includes('live')) location.reload(); });
    source.addEventListener('error', () => {
      say(banner, source.readyState === EventSource.CLOSED
        ? 'The command that serves this page has stopped or restarted. Open the address that it has printed.'
        : 'There is no connection to the command that serves this page. Trying again ...');
    });
    addEventListener('pagehide', () => source.close());
  }

  for (const box of document.querySelectorAll('form.filter select')) box.addEventListener('change', () => box.form.requestSubmit());

  document.addEventListener('submit', async (event) => {
    const form = event.target;
    if (!form.matches('form.action')) return;
    event.preventDefault();
    const buttons = [...form.querySelectorAll('button')];
    for (const button of buttons) button.disabled = true;
    say(said, 'Sending ...');
    try {
      const answer = await fetch(form.action, { method: 'POST', body: new URLSearchParams(new FormData(form)), headers: { accept: 'application/json' } });
      const text = await answer.text();
      say(said, answer.headers.get('content-type')?.startsWith('application/json') ? JSON.parse(text).said : text);
    } catch {
      say(said, 'No answer. Try again.');
    }
    for (const button of buttons) button.disabled = false;
    for (const menu of document.querySelectorAll('details.menu')) menu.open = false;
  });
})();
`;
