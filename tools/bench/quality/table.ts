/** Formats results as Markdown. */
import { gapClosed } from '../../../workflows/gap-closed.js';
import type { Measured, ResultLine, Scores } from './cell.js';
import { groups, mean } from './lists.js';
import { defaultMethods } from './recipe.js';

/** The method whose gap to the dense model is 100 %. */
const reference = 'wanda';

/** One method on one model and pattern, as means over the seeds. */
export interface Row {
  model: string;
  pattern: string;
  method: string;
  /** Number of seeds that were measured. */
  seeds: number;
  /** By name of the evaluation: the geometric mean of the perplexities, and the mean gap closed from Wanda with the same seed. */
  perplexity: Record<string, number>;
  closed: Record<string, number | undefined>;
  accuracy?: number;
  seconds: { initial: number; rebuild: number };
  forwards?: number;
  peakBytes: number;
}

/** Rows with the same model, evaluation and calibration (except for the seed). */
export interface Section {
  model: string;
  /** A description of what was measured. */
  about: string;
  dense?: Scores;
  rows: Row[];
  /** Patterns that the model cannot have. */
  impossible: string[];
}

type MeasuredLine = ResultLine & { measured: Measured };
const isMeasured = (line: ResultLine): line is MeasuredLine => line.calibration !== undefined && line.measured !== undefined;

/** @param lines if a cell was measured with several versions of the code, the last one counts */
export function sectionsOf(lines: readonly ResultLine[]): Section[] {
  const cells = lines.filter(({ calibration }) => calibration !== undefined);
  return groups(cells, ({ model, calibration, evaluations, questions }) => JSON.stringify([model, { ...calibration, seed: 0 }, evaluations, questions ?? null])).map((own) => {
    const [{ model, evaluations, questions }] = own;
    const isOfTheSame = (line: ResultLine): boolean =>
      line.method === 'dense' && line.model === model && JSON.stringify([line.evaluations, line.questions]) === JSON.stringify([evaluations, questions]);
    const dense = lines.filter(isOfTheSame).at(-1)?.measured;
    const latest = [...new Map(own.map((line) => [JSON.stringify([line.pattern, line.method, line.calibration?.seed]), line])).values()];
    const measured = latest.filter(isMeasured);
    const rows = groups(measured, ({ pattern, method }) => JSON.stringify([pattern, method])).map((seeds) => rowOf(seeds, measured, dense));
    const impossible = [...new Set(latest.flatMap(({ impossible: why }) => why ?? []))];
    return { model, about: aboutOf(own[0]), ...(dense && { dense }), rows: inOrder(rows), impossible };
  });
}

function rowOf(seeds: readonly MeasuredLine[], all: readonly MeasuredLine[], dense: Scores | undefined): Row {
  const [{ model, pattern, method, evaluations }] = seeds;
  const byName = <T>(valueOf: (name: string) => T): Record<string, T> => Object.fromEntries(evaluations.map(({ name }) => [name, valueOf(name)]));
  const closedOf = (line: MeasuredLine, name: string): number | undefined => {
    const wanda = all.find((one) => one.method === reference && one.pattern === pattern && one.calibration?.seed === line.calibration?.seed);
    return gapClosed(dense?.perplexity[name], wanda?.measured.perplexity[name], line.measured.perplexity[name]);
  };
  const meanOf = (valueOf: (line: MeasuredLine) => number | undefined): number | undefined => {
    const values = seeds.map(valueOf);
    return values.some((value) => value === undefined) ? undefined : mean(values as number[]);
  };
  const forwards = meanOf(({ measured }) => measured.forwards);
  const accuracy = meanOf(({ measured }) => measured.accuracy);
  return {
    model, pattern, method, seeds: seeds.length,
    perplexity: byName((name) => Math.exp(mean(seeds.map(({ measured }) => Math.log(measured.perplexity[name]))))),
    closed: byName((name) => meanOf((line) => closedOf(line, name))),
    seconds: { initial: mean(seeds.map(({ measured }) => measured.seconds.initial)), rebuild: mean(seeds.map(({ measured }) => measured.seconds.rebuild)) },
    peakBytes: Math.max(...seeds.map(({ measured }) => measured.peakBytes)),
    ...(forwards !== undefined && { forwards }),
    ...(accuracy !== undefined && { accuracy }),
  };
}

/** Sorts patterns by sparsity, N:M last. Within a pattern, other methods than the default ones come last, in the order in which they were measured. */
function inOrder(rows: readonly Row[]): Row[] {
  const patternRank = (pattern: string): number => (pattern.includes(':') ? 1000 + Number(pattern.split(':')[1]) : Number(pattern));
  const methodRank = (method: string): number => (defaultMethods.includes(method) ? defaultMethods.indexOf(method) : defaultMethods.length);
  return [...rows].sort((a, b) => patternRank(a.pattern) - patternRank(b.pattern) || methodRank(a.method) - methodRank(b.method));
}

function aboutOf({ calibration, evaluations, questions }: ResultLine): string {
  if (calibration === undefined) return '';
  const { samples, length, sampling, text } = calibration;
  const where = sampling === 'random' ? 'at random places' : 'from its beginning';
  const scored = evaluations.map((one) => `at most ${one.windows} of ${one.text} (${one.name})`).join('\nand ');
  const asked = questions === undefined ? '' : `;\naccuracy: mean over ${questions.tasks.join(', ')}, at most ${questions.documents} questions each`;
  return `Calibrated on ${samples} windows of ${length} tokens of ${text} ${where};\nscored on ${scored}${asked}.`;
}

/** Returns the sections as Markdown, and the mean shares over small models if there are several. */
export function markdownOf(sections: readonly Section[]): string {
  return [...sections.map(sectionText), ...meansText(sections)].join('\n');
}

const percent = (share: number | undefined): string => (share === undefined ? '' : `${(100 * share).toFixed(1)} %`);
export const patternName = (pattern: string): string => (pattern.includes(':') ? pattern : `${pattern} %`);
const tableOf = (head: readonly string[], rows: readonly (readonly string[])[], words: number): string[] => [
  `| ${head.join(' | ')} |`, `|${head.map((_, index) => (index < words ? '---' : '--:')).join('|')}|`, ...rows.map((row) => `| ${row.join(' | ')} |`),
];

function sectionText({ model, about, dense, rows, impossible }: Section): string {
  const names = Object.keys(rows[0]?.perplexity ?? {});
  const has = { forwards: rows.some(({ forwards }) => forwards !== undefined), accuracy: rows.some(({ accuracy }) => accuracy !== undefined), seeds: rows.some(({ seeds }) => seeds > 1) };
  const head = ['pattern', 'method', ...names.flatMap((name) => [name, 'closed']), ...(has.accuracy ? ['accuracy'] : []), 's', ...(has.forwards ? ['forwards'] : []), 'GiB', ...(has.seeds ? ['seeds'] : [])];
  const cells = rows.map((row) => [
    patternName(row.pattern), row.method,
    ...names.flatMap((name) => [row.perplexity[name].toFixed(2), row.method === reference ? '' : percent(row.closed[name])]),
    ...(has.accuracy ? [percent(row.accuracy)] : []),
    `${row.seconds.initial.toFixed(1)} + ${row.seconds.rebuild.toFixed(1)}`,
    ...(has.forwards ? [row.forwards?.toFixed(1) ?? ''] : []),
    (row.peakBytes / 2 ** 30).toFixed(2),
    ...(has.seeds ? [String(row.seeds)] : []),
  ]);
  const denseText = dense === undefined ? '' : `\nDense: ${[...names.map((name) => `${name} ${dense.perplexity[name].toFixed(2)}`), ...(dense.accuracy === undefined ? [] : [`accuracy ${percent(dense.accuracy)}`])].join(', ')}.`;
  return [`### ${model}`, '', `${about}${denseText}`, '', ...tableOf(head, cells, 2), '', ...impossible.flatMap((why) => [`* ${why}`, ''])].join('\n');
}

/** Returns the gap closed as a mean over models, for models with a single text. */
function meansText(sections: readonly Section[]): string[] {
  const small = sections.filter(({ rows }) => rows.some(({ perplexity }) => Object.keys(perplexity).length === 1));
  const rows = small.flatMap((section) => section.rows).filter(({ method }) => method !== reference);
  if (small.length < 2 || rows.length === 0) return [];
  const patterns = [...new Set(inOrder(rows).map(({ pattern }) => pattern))];
  const shares = groups(rows, ({ method }) => method).map((own) => [own[0].method, ...patterns.map((pattern) => {
    const closed = own.filter((row) => row.pattern === pattern).flatMap((row) => Object.values(row.closed)).filter((share) => share !== undefined);
    return closed.length === 0 ? '' : `${percent(mean(closed))} (${closed.length})`;
  })]);
  return ['### Small models together', '', 'Mean share of the gap closed from Wanda, and over how many models.', '', ...tableOf(['method', ...patterns.map(patternName)], shares, 1), ''];
}
