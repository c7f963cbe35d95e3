import { style } from '../../report/page/style.js';

/** The style of reports, and additions for the live view. */
export const uiStyle = `${style}
nav { font-size: 13px; margin-bottom: 6px; }
.part:empty { display: none; }
.top { margin-bottom: 10px; display: flex; flex-wrap: wrap; gap: 8px 20px; align-items: flex-start; justify-content: space-between; }
.top #head { flex: 1 1 300px; min-width: 0; }
h1 .tag { font-size: 13px; font-weight: 600; vertical-align: middle; white-space: nowrap; }
.tag.live { color: var(--accent); border-color: currentColor; }
.banner { margin: 0; padding: 8px 20px; background: var(--bad); color: var(--paper); font-weight: 600; position: sticky; top: 0; z-index: 2; }
.banner[hidden] { display: none; }
#said { min-height: 0; margin: 0 0 8px; font-size: 13px; } #said:empty { display: none; }
.buttons { display: flex; gap: 8px; align-items: flex-start; }
button, .menu > summary { font: inherit; font-size: 13.5px; color: var(--ink); background: var(--card); border: 1px solid var(--muted); border-radius: 8px; padding: 5px 14px; cursor: pointer; }
button:disabled { color: var(--muted); cursor: default; }
button:focus-visible, summary:focus-visible, a:focus-visible, input:focus-visible, select:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
.menu { position: relative; margin: 0; } .menu > summary { list-style: none; } .menu > summary::-webkit-details-marker { display: none; }
.menu > div { position: absolute; right: 0; top: calc(100% + 6px); z-index: 1; width: max-content; max-width: min(300px, 80vw); background: var(--card); border: 1px solid var(--muted); border-radius: 10px; padding: 12px; font-size: 13px; }
.menu label { display: block; margin-bottom: 10px; }
input[type=search], select { font: inherit; font-size: 13px; color: var(--ink); background: var(--card); border: 1px solid var(--muted); border-radius: 6px; padding: 3px 6px; max-width: 100%; }
.filter { display: flex; flex-wrap: wrap; gap: 8px 14px; align-items: center; margin-bottom: 12px; font-size: 13px; color: var(--muted); }
.notice { border-left: 4px solid var(--initial); margin-bottom: 12px; } .notice.bad { border-left-color: var(--bad); } .notice p { overflow-wrap: anywhere; }
.cards > .part { display: contents; }
.below { margin: 12px 0 0; } .above { margin-bottom: 12px; }
.small { color: var(--muted); font-size: 12.5px; }
table.stages td.n { vertical-align: middle; } table.stages th.wide { width: 45%; } table.stages tbody th { color: var(--ink); white-space: nowrap; }
table.stages .small { display: block; overflow-wrap: anywhere; }
.meter { display: block; height: 8px; margin: 6px 0 2px; background: var(--line); border-radius: 4px; overflow: hidden; }
.meter i { display: block; height: 100%; border-radius: 4px; background: var(--rebuilt); } .meter.running i { background: var(--accent); }
.log { max-height: 330px; overflow-y: auto; } .log td { overflow-wrap: anywhere; } .log td.at { white-space: nowrap; color: var(--muted); }
table.list th[scope=row] { font-weight: 600; min-width: 120px; overflow-wrap: anywhere; } table.list .tag { white-space: nowrap; }
table.list td { vertical-align: middle; } .reason { display: block; color: var(--bad); font-size: 12.5px; min-width: 160px; overflow-wrap: anywhere; }
table.list thead a { color: inherit; text-decoration: none; white-space: nowrap; } table.list thead a:hover { text-decoration: underline; }
body.whole { height: 100vh; display: flex; flex-direction: column; } body.whole main { flex: 1; display: flex; flex-direction: column; max-width: none; width: 100%; padding: 0; min-height: 0; }
.top.slim { margin: 0; align-items: center; padding: 8px 20px; border-bottom: 1px solid var(--line); background: var(--card); } .slim nav { margin: 0; } .slim h1 { font-size: 16px; } .slim #head { flex: 1 1 auto; } .slim .note { display: none; } .slim > a { font-size: 13px; }
body.whole #said { margin: 6px 20px; } iframe { flex: 1; width: 100%; border: 0; min-height: 0; }
@media (max-width: 480px) { .top > #controls { flex: 1 1 100%; } .menu > div { right: auto; left: 0; } }
`;
