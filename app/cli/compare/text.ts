/** Shows compared runs on a terminal of 80 columns. */
import { formatNumber, formatInteger } from '../../report/index.js';
import { differenceText, valueText } from '../../report/view/compare-text.js';
import type { ComparedErrors, ComparedMask, ComparedSetting, CompareView } from '../../report/view/compare-view.js';
import { shortKind } from '../../report/view/linear-kinds.js';
import { indented, printable, textTable } from '../text-table.js';

/** Width of the terminal without the indent of tables. */
const width = 78;
/** Minimum length of a shortened name. The JSON has the full name. */
const shortestName = 12;

export function compareText(view: CompareView): string {
  const parts = [
    view.runs.map(({ label, id }) => fitted(`${label}  ${id}`, width)).join('\n'),
    ...numberTables(view),
    settingsText(view),
    ...view.errors.flatMap((errors) => errorTables(errors, view)),
    ...view.masks.map(maskText),
    view.notMasks.map(({ label, why }) => `The mask of ${label} is not compared: ${why}`).join('\n'),
  ];
  return `${parts.filter((part) => part !== '').map(indented).join('\n\n')}\n`;
}

/** Cuts a text in the middle, because both ends of a path or a name are informative. */
function fitted(text: string, most: number): string {
  const clean = printable(text).trimEnd();
  if (clean.length <= most) return clean;
  const kept = most - 1;
  return `${clean.slice(0, Math.ceil(kept / 2))}…${clean.slice(clean.length - Math.floor(kept / 2))}`;
}

/** One table for each run after the first, with the first beside it. */
function numberTables({ numbers, runs }: CompareView): string[] {
  if (numbers.length === 0) return [];
  return runs.slice(1).map(({ label }, index) => {
    const run = index + 1;
    const cells = numbers.map((number) => [valueText(number.kind, number.values[0]), valueText(number.kind, number.values[run]), differenceText(number, run)]);
    const others = textTable([['A', label, `${label} - A`], ...cells], { numbers: true }).split('\n').reduce((most, line) => Math.max(most, line.length), 0);
    const names = numbers.map(({ name }) => fitted(name, Math.max(shortestName, width - others - 2)));
    return textTable([['', 'A', label, `${label} - A`], ...cells.map((row, index) => [names[index], ...row])], { numbers: true });
  });
}

function settingsText({ settings, unknown, runs }: CompareView): string {
  const known = runs.filter(({ label }) => !unknown.includes(label));
  const told = unknown.map((label) => `The settings of ${label} are not known: it has no readable lock.`);
  if (known.length < 2) return told.join('\n');
  if (settings.length === 0) return [...told, 'No setting differs.'].join('\n');
  return [...told, 'settings that differ', settingRows(settings, known.map(({ label }) => ({ label, index: runs.findIndex((run) => run.label === label) })))].join('\n');
}

/** Columns if they fit, otherwise one line per run. */
function settingRows(settings: readonly ComparedSetting[], known: readonly { label: string; index: number }[]): string {
  const cell = (value: string | undefined): string => printable(value ?? '-').trimEnd();
  const table = textTable([['', ...known.map(({ label }) => label)], ...settings.map(({ path, values }) => [printable(path), ...known.map(({ index }) => cell(values[index]))])]);
  if (table.split('\n').every((line) => line.length <= width)) return table;
  return settings.map(({ path, values }) => [fitted(path, width), ...known.map(({ label, index }) => fitted(`  ${label}  ${cell(values[index])}`, width))].join('\n')).join('\n');
}

/** Maximum number of runs with a column of their own. */
const maxColumns = 6;

function errorTables({ block, layers, left }: ComparedErrors, { runs }: CompareView): string[] {
  const tables: string[] = [];
  for (let from = 1; from < runs.length; from += maxColumns - 1) {
    const shown = [0, ...runs.keys()].filter((run, place) => place === 0 || (run >= from && run < from + maxColumns - 1));
    const cell = (value: number | undefined): string => (value === undefined ? '-' : formatNumber(value));
    tables.push(textTable([[`error left, ${block}`, ...shown.map((run) => runs[run].label)], ...layers.map((layer, row) => [`layer ${layer}`, ...shown.map((run) => cell(left[run][row]))])], { numbers: true }));
  }
  return tables;
}

function maskText({ label, layers, kinds, cells, total }: ComparedMask): string {
  const short = kinds.map((kind) => fitted(shortKind(kind), 6));
  const rows = layers.map((layer, row) => [`layer ${layer}`, ...cells[row].map((value) => (value === undefined ? '' : value.toFixed(3)))]);
  const sum = `all: ${total.jaccard.toFixed(4)}; from A to ${label} ${formatInteger(total.grown)} weights grow and ${formatInteger(total.pruned)} are pruned.`;
  return [...chunked(short.length).map((columns) => textTable([[`Jaccard, A and ${label}`, ...columns.map((column) => short[column])], ...rows.map(([layer, ...values]) => [layer, ...columns.map((column) => values[column])])], { numbers: true })), sum].join('\n');
}

/** Maximum number of mask columns. */
const maxKinds = 7;

function chunked(count: number): number[][] {
  const all = Array.from({ length: count }, (_, index) => index);
  return Array.from({ length: Math.ceil(count / maxKinds) }, (_, chunk) => all.slice(chunk * maxKinds, (chunk + 1) * maxKinds));
}
