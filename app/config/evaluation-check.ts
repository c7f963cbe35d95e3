import { nearest } from './nearest.js';
import { pointerOf } from './source-locations.js';
import type { Segments } from './source-locations.js';
import { schemaAt } from './schema.js';
import type { ValueProblem } from './schema-problems.js';
import { show } from './schema-problems.js';
import { isMapping } from './stages.js';
import type { ReadStage } from './stages.js';

const knownTasks = schemaAt(['stages', '0', 'evaluation', 'zeroShot', '0', 'task']).enum ?? [];
const listed = knownTasks.map((task) => `\`${task}\``).join(', ');

/** Collects problems of evaluations beyond their syntax: nothing to evaluate, unknown tasks. */
export function checkEvaluations(stages: readonly ReadStage[], problems: ValueProblem[], warnings: ValueProblem[]): void {
  for (const { type, settings, path } of stages) {
    if (type !== 'evaluation') continue;
    const { perplexity, zeroShot, limit } = settings;
    if (perplexity === undefined && zeroShot === undefined) {
      problems.push({ pointer: pointerOf(path), part: 'key', message: '`perplexity` and `zeroShot` are missing in `evaluation`; expected one of them or both. Add for example `perplexity: [{ dataset: { file: ./text/heldout.txt } }]` or `zeroShot: [boolq, arc_easy]`.' });
    }
    if (zeroShot === undefined && limit !== undefined) {
      warnings.push({ pointer: pointerOf([...path, 'limit']), part: 'key', message: '`limit` has no effect without `zeroShot`, because it limits the documents of zero-shot tasks. Remove it, or limit `perplexity` with `maxWindows`.' });
    }
    if (Array.isArray(zeroShot)) zeroShot.forEach((item, index) => problems.push(...itemProblems(item, [...path, 'zeroShot', index])));
  }
}

function itemProblems(item: unknown, path: Segments): ValueProblem[] {
  const problem = (message: string): ValueProblem[] => [{ pointer: pointerOf(path), part: 'value', message }];
  if (typeof item === 'string') {
    if (knownTasks.includes(item)) return [];
    const meant = nearest(item, knownTasks);
    const remedy = meant === undefined ? 'For your own task, write `{ name: mine, file: ./mine.jsonl }`.' : `Did you mean \`${meant}\`?`;
    return problem(`${show(item)} is not a known task; expected one of ${listed}. ${remedy}`);
  }
  if (!isMapping(item)) return [];
  const { task, name, file } = item;
  if (task !== undefined && name !== undefined) return problem('`task` and `name` in one task; expected `task` for a known task, or `name` and `file` for your own. Remove one of them.');
  if (task === undefined && name === undefined) return problem('neither `task` nor `name`; expected `task` for a known task, or `name` and `file` for your own. Add for example `task: arc_easy`.');
  if (name !== undefined && file === undefined) return problem('`name` without `file`; expected the documents of your own task. Add for example `file: ./mine.jsonl`, or write `task:` for a known task.');
  return [];
}
