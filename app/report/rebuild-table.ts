import type { RebuildEntry, RebuildRound } from '../../workflows/protocol.js';
import { formatChange, formatNumber, formatInteger } from './format.js';
import { subBlockName } from './sub-blocks.js';

/** A column that only some strategies fill. */
interface Decision {
  head: string;
  meaning: string;
  of: (entry: RebuildEntry) => string | undefined;
}

/** Columns about a sub-block that only some strategies fill. */
const decisions: readonly Decision[] = [
  {
    head: 'tokens',
    meaning: 'calibration tokens that were routed to the expert; in brackets if there were fewer than experts.minTokens, so the expert was not rebuilt',
    of: ({ tokens, few }) => (tokens === undefined ? undefined : few === true ? `(${formatInteger(tokens)})` : formatInteger(tokens)),
  },
  {
    head: 'rounds',
    meaning: 'the ratio that each round found best, and how it changed the error of its held-out windows',
    of: ({ rounds }) => rounds && describeRounds(rounds),
  },
  {
    head: 'refit',
    meaning: 'how fitting the kept weights changed the error of held-out windows, or of all windows if none were held out',
    of: ({ refit }) => refit && describeDecision(formatChange(refit.errorBefore, refit.error), refit),
  },
  {
    head: 'reconstruction',
    meaning: 'how training all kept weights of the layer together changed its error on held-out windows, and in how many passes',
    of: ({ reconstruction: made }) => made && describeDecision(`${formatChange(made.errorBefore, made.error)} in ${made.epochs}`, made),
  },
  {
    head: "layer's output",
    meaning: "how the rebuild of the attention, or of all experts together, changed the error of a mixture's layer as a whole",
    of: ({ layerOutput }) => layerOutput && describeDecision(formatChange(layerOutput.errorBefore, layerOutput.error), layerOutput),
  },
  {
    head: 'forwards',
    meaning: 'what was computed, in forwards over all calibration windows',
    of: ({ forwards }) => forwards?.toFixed(1),
  },
];

/** Rows of the table of sub-blocks, heading first, and those of its columns that only some strategies fill. */
export function rebuildTable(layers: readonly RebuildEntry[]): { filledColumns: readonly Pick<Decision, 'head' | 'meaning'>[]; rows: string[][] } {
  const filledColumns = decisions.filter(({ of }) => layers.some((entry) => of(entry) !== undefined));
  const rows = layers.map((entry) => [
    String(entry.layer),
    subBlockName(entry),
    formatNumber(entry.errorBefore),
    formatNumber(entry.errorAfter),
    formatChange(entry.errorBefore, entry.errorAfter),
    formatInteger(entry.grown),
    formatInteger(entry.pruned),
    ...filledColumns.map(({ of }) => of(entry) ?? ''),
  ]);
  return { filledColumns, rows: [['layer', 'sub-block', 'error before', 'error after', 'change', 'grown', 'pruned', ...filledColumns.map(({ head }) => head)], ...rows] };
}

function describeRounds(rounds: readonly RebuildRound[]): string {
  return rounds.map((round) => describeDecision(`${round.ratio}: ${formatChange(round.errorBefore, round.error)}`, round)).join(', ');
}

/** In brackets if it was undone. */
function describeDecision(text: string, { accepted }: { accepted: boolean }): string {
  return accepted ? text : `(${text})`;
}
