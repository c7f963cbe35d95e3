import { failedGates, markdownTable, searchRows, searchTable } from '../../report/index.js';
import type { SearchResult } from '../../../workflows/search-protocol.js';
import { exitCode } from '../exit-codes.js';
import { printJson } from '../output.js';
import { pageBeside, type RunGroupOutcome } from '../sweep/follow.js';

/** Prints how a search ended. @returns the exit code: that of a failed gate if no point passes */
export function showSearch(workflowId: string, outcome: RunGroupOutcome<SearchResult>, { json }: { json: boolean }): number {
  if (outcome.status !== 'completed') {
    if (json) printJson({ workflowId, status: outcome.status, error: outcome.error });
    const how = outcome.status === 'failed' ? `failed (${outcome.error.type}): ${outcome.error.message}` : 'was cancelled.';
    const goOn = outcome.status === 'failed' ? 'Correct that and start the search again' : 'Start it again to continue';
    process.stderr.write(`\nThe search ${how}\n${goOn}: finished work is kept.\n`);
    return exitCode.runFailed;
  }
  const { result } = outcome;
  const { best, tried } = result;
  if (json) printJson({ workflowId, status: best === null ? 'gateFailed' : 'completed', ...result });
  else process.stdout.write(`\n${resultText(result)}\n`);
  if (best !== null) return exitCode.done;
  const [first] = tried;
  process.stderr.write(`No point passes: even ${first.name} fails its quality gates: ${failedGates(first).map(({ gate }) => gate).join('; ')}.\n`);
  return exitCode.gateFailed;
}

function resultText(result: SearchResult): string {
  const { name, best, tried, runs, points, report } = result;
  const answer = tried.find(({ workflowId }) => workflowId === best?.workflowId);
  const facts = [
    ['sparsest', answer?.name ?? 'none passes'],
    ...(best === null ? [] : [['checkpoint', best.checkpoint], ['mask', best.mask], ['its report', best.report]]),
    ['report', report],
    ['page', pageBeside(report)],
  ];
  return `${name}: ${runs} of ${points} points tried\n\n${markdownTable(searchRows(searchTable(result)))}\n\n${facts.map(([key, value]) => `  ${key.padEnd(10)}  ${value}`).join('\n')}`;
}
