import type { Pipeline } from '../config/pipeline.js';
import type { PipelineResult } from '../../workflows/protocol.js';
import { accuracyRows, questionsText } from './accuracies.js';
import { costRows, costsNote } from './costs-table.js';
import { formatDuration, formatInteger, formatPercent } from './format.js';
import { gateRows } from './gates.js';
import { markdownTable } from './markdown.js';
import { moneyText } from './money.js';
import { perplexityRows } from './perplexities.js';
import { originRows } from './origin-rows.js';
import { pipelineFile } from './pipeline-file.js';
import { planNote, planTable } from './plan-table.js';
import { rebuildTable } from './rebuild-table.js';
import { describeStage } from './stages-text.js';
import { statisticsNote, statisticsRows } from './statistics-table.js';
import { planRows } from './view/plan-view.js';
import { timelineView } from './view/timeline-view.js';
import { workerRows } from './workers-table.js';
import { shellWord } from './shell-word.js';

/** The report of a finished run in Markdown. The same result gives the same text. */
export function renderReport(result: PipelineResult, pipeline: Pipeline): string {
  const sections = [
    `# ${result.name}`,
    summary(result, pipeline),
    gates(result),
    quality(result),
    zeroShot(result),
    sparsity(result),
    sparsityByLayer(result, pipeline),
    statistics(result),
    rebuild(result),
    work(result, pipeline),
    happened(result),
    origin(result),
    reproduce(result, pipeline),
  ];
  return `${sections.filter((section) => section !== '').join('\n\n')}\n`;
}

function summary({ model }: PipelineResult, { stages }: Pipeline): string {
  const size = `${formatInteger(model.parameters)} parameters, ${formatInteger(model.prunable)} of them prunable, in ${model.layers} decoder layers`;
  return [`\`${model.source}\` (${model.family}; ${size}).`, stages.map((stage, index) => `${index + 1}. ${describeStage(stage)}`).join('\n')].join('\n\n');
}

function gates({ gates: judged = [], sparsity: asked }: PipelineResult): string {
  return judged.length === 0 ? '' : ['## Quality gates', markdownTable(gateRows(judged, asked))].join('\n\n');
}

function quality(result: PipelineResult): string {
  const rows = perplexityRows(result);
  if (rows.length === 0) return '';
  const lines = ['## Quality', markdownTable(rows)];
  if (rows[0]?.includes('gap closed') === true) {
    lines.push('Gap closed: `1 - ln(rebuilt / dense) / ln(initial / dense)`, the share of the damage of the initial mask that the rebuild undid.');
  }
  return lines.join('\n\n');
}

function zeroShot(result: PipelineResult): string {
  const rows = accuracyRows(result);
  if (rows.length === 0) return '';
  return [
    '## Zero-shot accuracy',
    markdownTable(rows),
    `Documents: ${questionsText(result)}. \`acc\`: the answer with the highest log-likelihood is right; \`acc_norm\`: the answer with the highest log-likelihood per character is right. After ±: standard errors, as in lm-evaluation-harness.`,
    ...(result.logLikelihoods === undefined ? [] : [`The log-likelihoods of all answers are in \`${result.logLikelihoods}\`.`]),
  ].join('\n\n');
}

function sparsity(result: PipelineResult): string {
  if (result.mask === '') return '';
  const { target, actual } = result.sparsity;
  return ['## Sparsity', markdownTable([['pattern', 'asked', 'found'], [result.pattern, formatPercent(target), formatPercent(actual)]])].join('\n\n');
}

function rebuild({ rebuild: { grown, pruned, layers } }: PipelineResult): string {
  if (layers.length === 0) return '';
  const { filledColumns: told, rows } = rebuildTable(layers);
  return [
    '## Rebuild',
    `${formatInteger(grown)} weights grown, ${formatInteger(pruned)} pruned. Error: mean squared difference between the output of the sub-block and its target (docs/methods.md), on the calibration text.`,
    ...(told.length === 0 ? [] : [[...told.map(({ head, meaning }) => `* *${head}*: ${meaning}.`), '* Changes in brackets were undone.'].join('\n')]),
    markdownTable(rows),
  ].join('\n\n');
}

/** The incidents that the run survived. They did not change the result. */
function happened({ incidents = [] }: PipelineResult): string {
  if (incidents.length === 0) return '';
  return ['## Incidents', 'What happened during the run. None of it changed the result.', markdownTable([['time', 'what'], ...incidents.map(({ at, what }) => [at.slice(0, 19).replace('T', ' '), what])])].join('\n\n');
}

/** Shown if an allocation gave layers different sparsities. */
function sparsityByLayer({ initialMask: { layers } }: PipelineResult, { stages }: Pipeline): string {
  if (!stages.some((stage) => stage.type === 'initialMask' && stage.allocation !== undefined)) return '';
  return markdownTable([['layer', 'sparsity of the initial mask'], ...layers.map((share, layer) => [String(layer), formatPercent(share)])]);
}

function statistics({ initialMask: { linears } }: PipelineResult): string {
  if (linears.length === 0) return '';
  const [head, ...rows] = statisticsRows(linears);
  const quoted = rows.map(([layer, linear, ...rest]) => [layer, `\`${linear}\``, ...rest]);
  return ['## Statistics of inputs', statisticsNote, markdownTable([head, ...quoted])].join('\n\n');
}

function work(result: PipelineResult, pipeline: Pipeline): string {
  const { seconds, reused, timeline, incidents = [] } = result;
  const workers = timelineView(timeline, incidents);
  const rows = costRows(result);
  const price = moneyText(seconds.total, pipeline);
  const found = reused === 0 ? '' : ` ${formatInteger(reused)} pieces of work were found in the artifact store.`;
  return [
    '## Time',
    markdownTable(withSeconds(planTable(result), result)),
    `${planNote}${price === undefined ? '' : ` Cost at the hourly price: ${price}.`}${found}`,
    ...(rows.length === 0 ? [] : [markdownTable(rows), costsNote]),
    ...(workers === undefined ? [] : [markdownTable(workerRows(workers)), `${formatDuration(workers.seconds)} from start to end.${workers.idle === 0 ? '' : ` For ${formatDuration(workers.idle)} of it no worker had work of the run.`}`]),
  ].join('\n\n');
}

/** Adds a column with exact seconds after the names of the stages. */
function withSeconds([head, ...rows]: string[][], { seconds, ...result }: PipelineResult): string[][] {
  const exact = [...planRows({ seconds, ...result }).map((row) => row.seconds), seconds.total];
  return [[head[0], 'seconds', ...head.slice(1)], ...rows.map(([name, ...rest], index) => [name, exact[index].toFixed(2), ...rest])];
}

function origin(result: PipelineResult): string {
  return ['## Origin', markdownTable([['', ''], ...originRows(result).map(({ name, value, code }) => [name, code ? `\`${value}\`` : value])])].join('\n\n');
}

function reproduce({ lock }: PipelineResult, pipeline: Pipeline): string {
  const locked = lock === undefined ? '' : ` With \`--locked ${shellWord(lock)}\`, a run of the original file gives the same bits or fails.`;
  return [
    '## To reproduce',
    `Save this as \`pipeline.yaml\` and run \`npx temporal-pipeline run pipeline.yaml\`. The same engine on the same kind of machine gives the same bits.${locked}`,
    `\`\`\`yaml\n${pipelineFile(pipeline)}\`\`\``,
  ].join('\n\n');
}
