import { pageOrNotice } from '../../activities/page-or-notice.js';
import type { GateResult } from '../../workflows/protocol.js';
import type { SearchRow, SearchTable } from '../../workflows/search-protocol.js';
import { formatDuration } from './format.js';
import { quantityFigure } from './gates.js';
import { markdownTable } from './markdown.js';
import { renderSweepPage } from './page/sweep-page.js';
import { bySparsity, searchRows } from './search-table.js';
import { sweepPlot } from './sweep-plot.js';
import { sweepCsv } from './sweep-table.js';

/**
 * Returns the files of a search's report by name: the report, its page, the table as CSV and JSON, and the curve if there is something to
 * plot.
 */
export async function renderSearch(table: SearchTable): Promise<Record<string, string>> {
  const sorted = bySparsity(table);
  const plot = sweepPlot(sorted);
  const files = {
    'report.md': report(table, plot !== undefined),
    'table.csv': sweepCsv(sorted),
    'table.json': `${JSON.stringify(table, null, 2)}\n`,
    ...(plot !== undefined && { 'plot.svg': plot }),
  };
  return { ...files, 'report.html': await pageOrNotice(table.name, () => renderSweepPage({ table: sorted, noun: 'search', about: endText(table), files: Object.keys(files) })) };
}

/** Says in a sentence for the page how the search ended. */
function endText({ rows, best, points }: SearchTable): string {
  const failed = rows.find(({ status }) => status === 'failed' || status === 'cancelled');
  const tried = `${rows.length} of ${points} points were tried`;
  if (failed !== undefined) return `${tried}, until one ${failed.status}: there is no answer.`;
  return best === undefined ? `${tried}: none passes.` : `${tried}. Points sparser than a failed one were not tried.`;
}

function report(table: SearchTable, hasPlot: boolean): string {
  const { name, rows, points } = table;
  const sections = [
    `# ${name}`,
    answerText(table),
    `${rows.length} of ${points} points tried; ${formatDuration(rows.reduce((sum, { seconds = 0 }) => sum + seconds, 0))} of work in total; shared work is counted for each.`,
    '## Tried',
    markdownTable(searchRows(table)),
    ...(hasPlot ? ['## Curve', '![curve](plot.svg)', 'A red diamond is a point at which a quality gate failed.'] : []),
    '## In the order tried',
    rows.map((row, index) => `${index + 1}. ${pointText(row)}`).join('\n'),
    'Points sparser than a failed one were not tried: the search assumes that they fail too.',
  ];
  return `${sections.join('\n\n')}\n`;
}

function answerText({ rows, best }: SearchTable): string {
  const failed = rows.find(({ status }) => status === 'failed' || status === 'cancelled');
  const winner = rows.find((row) => row.name === best?.name);
  const found = winner === undefined ? undefined : `\`${winner.name}\`, checkpoint \`${winner.checkpoint ?? ''}\`, mask \`${winner.mask ?? ''}\``;
  if (failed !== undefined) return `No answer: \`${failed.name}\` ${failed.status}.${found === undefined ? '' : ` The sparsest point that passed before: ${found}.`}`;
  return found === undefined ? 'No point passes, not even the least sparse one.' : `The sparsest point that passes: ${found}.`;
}

function pointText({ name, status, error, gates = [], report: own, workflowId }: SearchRow): string {
  const words = error === undefined ? gates.map(gateText) : [`${error.message} (${error.type})`];
  return `\`${name}\` ${wordFor(status)}${words.length === 0 ? '' : `: ${words.join('; ')}`} (workflow \`${workflowId}\`${own === undefined ? '' : `, report \`${own}\``})`;
}

const wordFor = (status: SearchRow['status']): string => (status === 'done' ? 'passed' : status === 'gateFailed' ? 'did not pass' : status);

function gateText({ gate, quantity, found, passed }: GateResult): string {
  return `${gate}: ${passed ? 'passed' : 'FAILED'} (${found === null ? 'none' : quantityFigure(quantity, found)})`;
}
