import { pathToFileURL } from 'node:url';
import { commandText } from './command-text.js';
import { accuracyRows, deviceText, formatDuration, failedGates, gateRows, formatInteger, formatPercent, perplexityRows } from '../report/index.js';
import type { PipelineResult } from '../../workflows/protocol.js';
import { textTable } from './text-table.js';

/** The end of a run on a terminal: perplexities, the sparsity asked for and reached, swaps, seconds, and where the files are. */
export function resultTable(result: PipelineResult): string {
  const { sparsity, rebuild, seconds, engine } = result;
  const { total, ...stages } = seconds;
  const spent = Object.entries(stages).filter(([, value]) => value > 0).map(([name, value]) => `${name} ${formatDuration(value)}`);
  const facts: [string, string][] = [
    ...(result.mask === '' ? [] : [['sparsity', `asked ${formatPercent(sparsity.target)}, found ${formatPercent(sparsity.actual)} (${result.pattern})`] as [string, string]]),
    ...(rebuild.layers.length === 0 ? [] : [['rebuild', `${formatInteger(rebuild.grown)} weights grown, ${formatInteger(rebuild.pruned)} pruned`] as [string, string]]),
    ['time', `${formatDuration(total)} of work${spent.length === 0 ? '' : ` (${spent.join(', ')})`}`],
    ...(result.reused === 0 ? [] : [['found', `${formatInteger(result.reused)} pieces of work were already in the artifact store`] as [string, string]]),
    ...(result.incidents === undefined ? [] : [['incidents', `${formatInteger(result.incidents.length)} survived; the report lists them`] as [string, string]]),
    ['engine', `${engine.backend} (${engine.version}), ${deviceText(engine)}`],
    ['checkpoint', result.checkpoint],
    ...(result.mask === '' ? [] : [['mask', result.mask], ['proof', result.proof]] as [string, string][]),
    ['report', result.report],
    ...(result.page === undefined ? [] : [['page', result.page] as [string, string]]),
    ...(result.logLikelihoods === undefined ? [] : [['answers', result.logLikelihoods] as [string, string]]),
    ...(result.lock === undefined ? [] : [['lock', result.lock] as [string, string]]),
  ];
  const labelWidth = 12;
  const gates = result.gates === undefined ? [] : gateRows(result.gates, sparsity);
  const tables = [gates, perplexityRows(result), accuracyRows(result)].filter((rows) => rows.length > 0).flatMap((rows) => [...textTable(rows, { numbers: true, firstWidth: labelWidth }).split('\n'), '']);
  const lines = [...tables, ...facts.map(([label, text]) => `${label.padEnd(labelWidth)}  ${text}`)];
  const next = nextSteps(result).map((line) => `  ${line}`).join('\n');
  return `\n${result.name}: ${failedGates(result).length === 0 ? 'done' : 'done, but not good enough: a quality gate failed'}\n\n${lines.map((line) => line === '' ? '' : `  ${line}`).join('\n')}\n\nNext\n${next}\n`;
}

/** The next steps of a person after a finished run. */
function nextSteps({ page, checkpoint, mask }: PipelineResult): string[] {
  // The folder of a run, which holds its report, is named after its workflow id.
  const id = page?.split(/[\\/]/).at(-2);
  return [
    ...(page === undefined ? [] : [`open the report      ${pathToFileURL(page).href}`]),
    `load the checkpoint  AutoModelForCausalLM.from_pretrained(${JSON.stringify(checkpoint)})`,
    ...(mask === '' || id === undefined ? [] : [`compare with others  ${commandText(['compare', id, 'OTHER'])}`]),
    `see all runs         ${commandText(['ui'])}`,
  ];
}
