import { pageOrNotice } from '../../activities/page-or-notice.js';
import type { SweepTable } from '../../workflows/sweep-protocol.js';
import { formatDuration, formatNumber } from './format.js';
import { markdownTable } from './markdown.js';
import { renderSweepPage } from './page/sweep-page.js';
import { countText } from './sweep-count.js';
import { costOf, type CostView } from './view/sweep-view.js';
import { sweepPlot } from './sweep-plot.js';
import { sweepCsv, sweepRows } from './sweep-table.js';

/**
 * Returns the files of a sweep's report by name: the report, its page, the table as Markdown, CSV and JSON, and the plot if there is
 * something to plot.
 */
export async function renderSweep(table: SweepTable): Promise<Record<string, string>> {
  const plot = sweepPlot(table);
  const markdown = markdownTable(sweepRows(table));
  const files = {
    'report.md': report(table, markdown, plot !== undefined),
    'table.md': `${markdown}\n`,
    'table.csv': sweepCsv(table),
    'table.json': `${JSON.stringify(table, null, 2)}\n`,
    ...(plot !== undefined && { 'plot.svg': plot }),
  };
  const about = 'Each has its own page.';
  return { ...files, 'report.html': await pageOrNotice(table.name, () => renderSweepPage({ table, noun: 'sweep', about, files: Object.keys(files) })) };
}

function report(table: SweepTable, markdown: string, hasPlot: boolean): string {
  const { name, rows, best } = table;
  const winner = rows.find((row) => row.name === best?.name);
  const sections = [
    `# ${name}`,
    `${countText(table)} ${costText(costOf(rows, table.cost))}`,
    ...(best === undefined ? [] : [`Best: \`${best.name}\`, ${best.metric} ${formatNumber(best.value)} (${best.goal === 'min' ? 'least' : 'most'}), checkpoint \`${winner?.checkpoint ?? ''}\`.`]),
    '## Members',
    markdown,
    ...(hasPlot ? ['## Plot', '![plot](plot.svg)'] : []),
    ...reasons(table),
    '## Reports of the members',
    rows.map(({ name: member, workflowId, report: own }) => `- \`${member}\`: ${own === undefined ? 'none' : `\`${own}\``} (workflow \`${workflowId}\`)`).join('\n'),
  ];
  return `${sections.join('\n\n')}\n`;
}

function costText({ alone, spent, price }: CostView): string {
  const money = (text: string | undefined): string => (text === undefined ? '' : ` (${text})`);
  const done = spent === undefined ? '' : ` ${formatDuration(spent)}${money(price?.spent)} of it was done; the rest was found in the store.`;
  return `${formatDuration(alone)}${money(price?.alone)} of work in all members; shared work is counted for each.${done}`;
}

function reasons({ rows }: SweepTable): string[] {
  const lines = rows.flatMap(({ name, status, error, because }) => {
    if (error !== undefined) return [`- \`${name}\` ${status}: ${error.message} (${error.type})`];
    return because === undefined ? [] : [`- \`${name}\` ${status}: ${because}`];
  });
  return lines.length === 0 ? [] : ['## Not done', lines.join('\n')];
}
