import type { Outcome } from './campaign.js';
import type { Untold } from './disturbed-run.js';
import { faultKinds } from './injections.js';

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

/** Describes which faults left no trace in history and log, and why. */
export function untoldText(outcomes: readonly Outcome[]): string {
  const untold = outcomes.flatMap(({ faults }) => faults).filter(({ untold: why }) => why !== undefined);
  const reasons = new Map<Untold, string[]>();
  for (const { kind, untold: why } of untold) if (why !== undefined) reasons.set(why, [...(reasons.get(why) ?? []), kind]);
  return `Not told: ${untold.length}. ${[...reasons].map(([why, kinds]) => `${kinds.length} because ${why} (${[...new Set(kinds)].join('; ')}).`).join(' ')}`.trim();
}

/** Describes how many forwards were repeated. */
export function repeatedText(outcomes: readonly Outcome[]): string {
  const all = outcomes.flatMap(({ repeated }) => repeated);
  const layers = all.map((one) => one.layers);
  const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
  const most = (seconds: (of: number[]) => number): string => Math.max(0, ...all.map((one) => seconds(one.seconds))).toFixed(2);
  return `Forwards run again: ${sum(layers)}, after ${all.length} losses of hidden states; after one of them ${Math.max(0, ...layers)} layers at most, ${most(sum)} s at most, ${most(([, ...others]) => sum(others))} s without the first layer, before which a new process has done nothing. A forward in the middle of them took ${median(all.flatMap((one) => one.seconds.slice(1))).toFixed(3)} s.`;
}

/** Returns the outcomes as a Markdown table, one row per kind of injected fault. A loss counts for each kind of fault in its run. */
export function faultTable(outcomes: readonly Outcome[]): string {
  const head = ['fault', 'injected', 'lost layers', 'differing bytes', 'failed runs', 'made again because destroyed', 'told', 'seconds to recover: median', 'worst'];
  const injected = faultKinds.filter((kind) => outcomes.some(({ faults }) => faults.some((fault) => fault.kind === kind)));
  const rows = injected.map((kind) => {
    const runs = outcomes.filter(({ faults }) => faults.some((fault) => fault.kind === kind));
    const faults = outcomes.flatMap((outcome) => outcome.faults).filter((fault) => fault.kind === kind);
    const sum = (count: (outcome: Outcome) => number): number => runs.reduce((total, run) => total + count(run), 0);
    const byThis = (outcome: Outcome, name: string): boolean => outcome.faults.some((fault) => fault.kind === kind && fault.destroyed.includes(name));
    const seconds = faults.map(({ recovery }) => recovery);
    return [
      kind, faults.length, sum(({ lost }) => lost.length), sum(({ differing }) => differing), sum(({ failure }) => (failure === undefined ? 0 : 1)),
      sum((outcome) => outcome.remade.filter((name) => byThis(outcome, name)).length), faults.filter(({ told }) => told.length > 0).length,
      median(seconds).toFixed(1), Math.max(0, ...seconds).toFixed(1),
    ];
  });
  const all = outcomes.flatMap(({ faults }) => faults);
  const total = ['all', all.length, outcomes.reduce((sum, { lost }) => sum + lost.length, 0), outcomes.reduce((sum, { differing }) => sum + differing, 0),
    outcomes.filter(({ failure }) => failure !== undefined).length, outcomes.reduce((sum, { remade }) => sum + remade.length, 0), all.filter(({ told }) => told.length > 0).length,
    median(all.map(({ recovery }) => recovery)).toFixed(1), Math.max(0, ...all.map(({ recovery }) => recovery)).toFixed(1)];
  return [head, head.map(() => '---'), ...rows, total].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}
