/** Draws frames of a terminal as one animated SVG. The frames are stacked vertically, and the view jumps from one to the next. */
const size = { wide: 8.4, high: 18, font: 14, edge: 14, bar: 26 };

/** @param frames `{ lines, seconds }`, with `lines` from `Screen.lines` */
export function drawCast(frames, { columns, title }) {
  const rows = Math.max(...frames.map(({ lines }) => lines.length));
  const [width, height] = [Math.ceil(columns * size.wide + 2 * size.edge), size.bar + rows * size.high + size.edge];
  const total = frames.reduce((sum, { seconds }) => sum + seconds, 0);
  // Most rows occur in many frames, so each is drawn once and referenced.
  const drawn = new Map();
  const idOf = (line) => {
    const svg = rowSvg(line);
    if (!drawn.has(svg)) drawn.set(svg, `r${drawn.size}`);
    return drawn.get(svg);
  };
  let at = 0;
  const steps = [];
  const uses = frames.map(({ lines, seconds }, frame) => {
    steps.push(`${((100 * at) / total).toFixed(2)}%{transform:translateY(${-frame * height}px)}`);
    at += seconds;
    return lines.map((line, row) => (line.length === 0 ? '' : `<use href="#${idOf(line)}" y="${frame * height + row * size.high}"/>`)).join('');
  });
  const last = -(frames.length - 1) * height;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="Terminal: ${escaped(title)}">
<style>text{font:${size.font}px ui-monospace,SFMono-Regular,Menlo,Consolas,'Liberation Mono',monospace;fill:#d6dde6;white-space:pre}.bold{font-weight:700;fill:#fff}.dim{fill:#5b6472}.red{fill:#ff7b72}.green{fill:#3fc4b4}.yellow{fill:#f0a04b}.cyan{fill:#82aaff}
.film{animation:film ${total.toFixed(1)}s step-end infinite}@keyframes film{${steps.join('')}}@media (prefers-reduced-motion:reduce){.film{animation:none;transform:translateY(${last}px)}}</style>
<rect width="${width}" height="${height}" rx="8" fill="#0e1116"/><circle cx="16" cy="13" r="4" fill="#2b323d"/><circle cx="30" cy="13" r="4" fill="#2b323d"/><circle cx="44" cy="13" r="4" fill="#2b323d"/>
<defs>${[...drawn].map(([svg, id]) => `<g id="${id}">${svg}</g>`).join('')}</defs>
<svg y="${size.bar}" width="${width}" height="${height - size.bar}"><g class="film">${uses.join('\n')}</g></svg>
</svg>
`;
}

function rowSvg(pieces) {
  let column = 0;
  return pieces.map(({ text, style }) => {
    const at = column;
    const count = [...text].length;
    column += count;
    if (text.trim() === '') return '';
    // Fonts differ in width, so the text length is fixed to keep the columns.
    return `<text x="${(size.edge + at * size.wide).toFixed(1)}" y="13" textLength="${(count * size.wide).toFixed(1)}"${style === '' ? '' : ` class="${style}"`}>${escaped(text)}</text>`;
  }).join('');
}

const escaped = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
