/** Style of all pages. It needs no other file and no font, and supports light and dark schemes, screen and paper. */
export const style = `
:root {
  color-scheme: light dark;
  --paper: #f7f8fa; --card: #ffffff; --ink: #14181f; --muted: #5b6472; --line: #dfe3e9; --code: #f0f2f5; --pruned: #f1e6d6; --found: #8fbdb8;
  --dense: #64748b; --initial: #b45309; --rebuilt: #0f766e; --bad: #c02626; --good: #0f766e; --accent: #1d4ed8;
  --line0: #1d4ed8; --line1: #b45309; --line2: #0f766e; --line3: #7e22ce; --line4: #be185d; --line5: #4d7c0f; --line6: #475569; --line7: #991b1b;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #0e1116; --card: #161b22; --ink: #e8ecf2; --muted: #9aa5b4; --line: #2b323d; --code: #0b0e13; --pruned: #33271a; --found: #2c6b64;
    --dense: #94a3b8; --initial: #f0a04b; --rebuilt: #3fc4b4; --bad: #ff7b72; --good: #3fc4b4; --accent: #82aaff;
    --line0: #82aaff; --line1: #f0a04b; --line2: #3fc4b4; --line3: #c792ea; --line4: #ff8fb8; --line5: #a5cf5c; --line6: #a8b3c4; --line7: #e5988f;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
main { max-width: 1180px; margin: 0 auto; padding: 28px 20px 60px; }
h1 { font-size: 26px; line-height: 1.2; margin: 0 0 4px; overflow-wrap: anywhere; }
h2 { font-size: 16px; margin: 0 0 2px; }
h3 { font-size: 13px; margin: 14px 0 6px; color: var(--muted); font-weight: 600; }
p { margin: 0 0 10px; }
.note { color: var(--muted); font-size: 13px; margin-bottom: 12px; }
code, pre { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace; font-size: 12.5px; }
pre { background: var(--code); border: 1px solid var(--line); border-radius: 8px; padding: 10px 12px; white-space: pre-wrap; overflow-wrap: anywhere; margin: 0 0 10px; }
a { color: var(--accent); }
.tags { display: flex; flex-wrap: wrap; gap: 6px; margin: 10px 0 18px; }
.tag { border: 1px solid var(--line); border-radius: 999px; padding: 1px 10px; font-size: 12.5px; color: var(--muted); background: var(--card); }
.tag.good { color: var(--good); border-color: currentColor; }
.files { margin-left: auto; display: flex; flex-wrap: wrap; gap: 4px 12px; font-size: 13px; }
.tag.bad { color: var(--bad); border-color: currentColor; font-weight: 600; }
.numbers { display: grid; grid-template-columns: repeat(auto-fit, minmax(190px, 1fr)); gap: 12px; margin: 0 0 12px; }
.runs { list-style: none; margin: 0 0 18px; padding: 0; font-size: 13px; overflow-wrap: anywhere; }
.number { background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: 12px 14px; }
.number dt { color: var(--muted); font-size: 13px; }
.number dd { margin: 0; overflow-wrap: anywhere; }
.number .big { font-size: 23px; font-weight: 650; font-variant-numeric: tabular-nums; line-height: 1.3; }
.number .small { color: var(--muted); font-size: 13px; }
.rebuilt { color: var(--rebuilt); } .initial { color: var(--initial); }
.cards { display: flex; flex-wrap: wrap; gap: 12px; }
section { flex: 1 1 100%; background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: 14px 16px; min-width: 0; }
@media (min-width: 860px) { section.half { flex: 1 1 420px; } section.third { flex: 1 1 290px; } section.rest { flex: 2 1 580px; } }
.scroll { overflow-x: auto; }
.panels { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 320px), 1fr)); gap: 4px 20px; }
.panels.wide { display: flex; flex-wrap: wrap; gap: 12px 24px; } .panels.wide > * { flex: 1 1 300px; min-width: 0; } .panels.wide > :last-child { flex: 2 1 620px; }
.chart.wide { min-width: 720px; } .chart.wide svg { max-width: none; }
.chart svg { display: block; width: 100%; max-width: 640px; height: auto; }
.good { color: var(--good); } .bad { color: var(--bad); }
ol { margin: 0 0 10px; padding-left: 22px; font-size: 13px; } ol li, .note { overflow-wrap: anywhere; }
td.setting { white-space: nowrap; }
td.path { overflow-wrap: anywhere; min-width: 150px; }
.legend { display: flex; gap: 16px; font-size: 12.5px; color: var(--muted); margin-top: 4px; flex-wrap: wrap; }
.legend i { flex: none; display: inline-block; width: 10px; height: 10px; border-radius: 50%; margin-right: 5px; background: currentColor; }
.legend b { margin-right: 5px; font-weight: 400; }
.legend i.ring { background: transparent; border: 1.5px solid currentColor; }
table { border-collapse: collapse; width: 100%; font-size: 13px; font-variant-numeric: tabular-nums; }
th { text-align: left; font-weight: 600; color: var(--muted); }
th, td { padding: 4px 8px; border-bottom: 1px solid var(--line); vertical-align: top; }
th.n, td.n { text-align: right; } td.n { white-space: nowrap; } thead th { vertical-align: bottom; }
td code { overflow-wrap: anywhere; }
.bars { display: grid; grid-template-columns: max-content 1fr max-content; gap: 6px 12px; align-items: center; font-size: 13px; }
.bars.names { grid-template-columns: minmax(0, 1fr) minmax(0, 1.4fr) max-content; overflow-wrap: anywhere; }
.bars .bar { height: 12px; background: var(--line); border-radius: 6px; overflow: hidden; }
.bars .bar i { display: block; height: 100%; border-radius: 6px; min-width: 2px; }
.bars .v { font-variant-numeric: tabular-nums; text-align: right; }
.heat td { color: var(--ink); text-align: center; border: 2px solid var(--card); padding: 3px 4px; border-radius: 6px; }
html:not(.scripted) .script { display: none; }
.sort th button { all: unset; cursor: pointer; } .sort th button:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; border-radius: 2px; }
.sort th[aria-sort=ascending] button::after { content: ' ▲'; } .sort th[aria-sort=descending] button::after { content: ' ▼'; }
.sort tbody th { font-weight: 400; color: var(--ink); overflow-wrap: anywhere; min-width: 240px; } .sort tr.best th { font-weight: 650; }
.heat th { border: 0; } .heat thead th { text-align: center; }
.masks { display: grid; grid-template-columns: repeat(var(--kinds), minmax(0, 1fr)); gap: 12px; }
@media (max-width: 760px) { .masks { grid-template-columns: repeat(auto-fill, minmax(92px, 1fr)); } }
.masks figure { margin: 0; font-size: 12px; color: var(--muted); text-align: center; min-width: 0; }
.masks img { display: block; width: 100%; aspect-ratio: 1; image-rendering: pixelated; background: var(--pruned); border-radius: 4px; }
.masks figcaption { overflow-wrap: anywhere; margin-top: 3px; }
.hist { display: flex; align-items: flex-end; gap: 2px; height: 150px; border-bottom: 1px solid var(--line); }
.hist i { flex: 1; background: var(--rebuilt); min-height: 1px; border-radius: 2px 2px 0 0; }
.ends { display: flex; justify-content: space-between; font-size: 12px; color: var(--muted); }
details { margin-top: 10px; } summary { cursor: pointer; color: var(--accent); font-size: 13px; }
.bars .bar.planned { position: relative; overflow: visible; }
.bars .bar.planned::after { content: ''; position: absolute; left: calc(var(--planned) - 1px); top: -3px; bottom: -3px; width: 3px; border-radius: 2px; background: var(--ink); }
.bars .bar { display: flex; }
.lanes { display: grid; grid-template-columns: minmax(0, max-content) minmax(0, 1fr); gap: 6px 12px; align-items: center; font-size: 13px; margin-bottom: 4px; }
.lanes svg { display: block; width: 100%; height: 26px; background: var(--code); border-radius: 4px; }
.lanes .name { overflow-wrap: anywhere; }
@media (max-width: 480px) { .lanes { grid-template-columns: minmax(0, 1fr); gap: 2px; } .lanes .corner { display: none; } }
.legend i.square { border-radius: 2px; } .legend i.thin { height: 4px; border-radius: 0; align-self: center; }
@media print {
  body { background: #fff; } main { max-width: none; padding: 0; } section, .number { break-inside: avoid; }
  details::details-content { content-visibility: visible; display: block; height: auto; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
@media (max-width: 480px) { .numbers { grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 8px; } .number { padding: 10px; overflow-wrap: anywhere; } main { padding: 18px 12px 40px; } section { padding: 12px; } }
`;
