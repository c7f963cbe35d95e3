import { absolutePath, isCommit, isRepositoryId } from './model-source.js';
import { pointerOf } from './places.js';
import type { Segments } from './places.js';
import type { ValueProblem } from './schema-problems.js';
import { show } from './schema-problems.js';

export interface SemanticContext {
  /** Whether a repository id may go without revision. */
  allowFloating: boolean;
  /** Folder that relative paths of the value at a pointer start from. */
  baseOf: (pointer: string) => string;
}

type Settings = Record<string, unknown>;

/** One stage as far as it can be read; the schema says what else is wrong with it. */
interface ReadStage {
  type: string;
  settings: Settings;
  path: Segments;
}

const isMapping = (value: unknown): value is Settings => typeof value === 'object' && value !== null && !Array.isArray(value);

/** Collects problems and warnings of what the schema cannot say: order of stages, contradictions, what they refer to. */
export function semanticProblems(data: unknown, context: SemanticContext): { problems: ValueProblem[]; warnings: ValueProblem[] } {
  const problems: ValueProblem[] = [];
  const warnings: ValueProblem[] = [];
  if (!isMapping(data)) return { problems, warnings };
  checkModel(data['model'], context, problems, warnings);
  const stages = readStages(data['stages']);
  if (stages === undefined) return { problems, warnings };
  checkOrder(stages, problems);
  for (const stage of stages.filter(({ type }) => type === 'initialMask')) checkPattern(stage, problems);
  warnGranularity(stages, warnings);
  warnScoredCalibration(stages, context, warnings);
  return { problems, warnings };
}

/** @returns undefined where a stage has no readable name: its order cannot be judged then. */
function readStages(stages: unknown): ReadStage[] | undefined {
  if (!Array.isArray(stages)) return undefined;
  const read = stages.flatMap((stage, position) => {
    const [type, ...more] = isMapping(stage) ? Object.keys(stage) : [];
    if (type === undefined || more.length > 0 || !['calibration', 'initialMask', 'rebuild', 'evaluation'].includes(type)) return [];
    const settings = (stage as Settings)[type];
    return [{ type, settings: isMapping(settings) ? settings : {}, path: ['stages', position, type] }];
  });
  return read.length === stages.length ? read : undefined;
}

function checkModel(model: unknown, { allowFloating, baseOf }: SemanticContext, problems: ValueProblem[], warnings: ValueProblem[]): void {
  if (!isMapping(model) || typeof model['source'] !== 'string') return;
  const { source, revision } = model as { source: string; revision?: unknown };
  if (!isRepositoryId(source, baseOf('/model/source'))) {
    if (revision !== undefined) warnings.push({ pointer: '/model/revision', part: 'key', message: '`revision` has no meaning for a folder; it is ignored. Remove it.' });
    return;
  }
  if (revision === undefined && !allowFloating) {
    const message = `\`revision\` is missing for the repository id ${show(source)}; expected a commit, so that the run means the same tomorrow. Add it, pass --allow-floating, or write \`./${source}\` if a folder is meant.`;
    problems.push({ pointer: '/model/source', part: 'value', message });
  } else if (typeof revision === 'string' && !isCommit(revision)) {
    warnings.push({ pointer: '/model/revision', part: 'value', message: `revision ${show(revision)} can be moved to other weights; expected a commit of 40 hexadecimal digits. Write the commit that it stands for.` });
  }
}

function checkOrder(stages: readonly ReadStage[], problems: ValueProblem[]): void {
  let calibrated = false;
  let firstMask: ReadStage | undefined;
  const states = new Set(['dense']);
  for (const stage of stages) {
    const { type, settings, path } = stage;
    const report = (message: string, at = path, part: ValueProblem['part'] = 'key') => problems.push({ pointer: pointerOf(at), part, message });
    if (type === 'calibration') calibrated = true;
    if (type === 'initialMask') {
      const method = settings['method'];
      if (firstMask !== undefined) report('a second `initialMask`; expected one in a pipeline. Remove it, or put it into a pipeline of its own.');
      if ((method === 'wanda' || method === 'sparsegpt') && !calibrated) {
        report(`method \`${method}\` without calibration; expected a \`calibration\` stage before it. Add one, or use \`method: magnitude\`.`, [...path, 'method'], 'value');
      }
      firstMask ??= stage;
      states.add('initial');
    }
    if (type === 'rebuild') {
      if (firstMask === undefined) report('`rebuild` before any `initialMask`; expected a mask to rebuild. Move it behind the `initialMask` stage, or add one.');
      if (!calibrated) report('`rebuild` without calibration; expected a `calibration` stage before it. Add one.');
      states.add('rebuilt');
    }
    if (type === 'evaluation') {
      const asked: unknown[] = Array.isArray(settings['states']) ? settings['states'] : [];
      asked.forEach((state, index) => {
        if ((state === 'initial' || state === 'rebuilt') && !states.has(state)) {
          const maker = state === 'initial' ? 'initialMask' : 'rebuild';
          report(`state \`${state}\` does not exist yet; expected ${[...states].map((known) => `\`${known}\``).join(', ')} here. Move the evaluation behind a \`${maker}\` stage.`, [...path, 'states', index], 'value');
        }
      });
    }
  }
  if (stages.length > 0 && stages.every(({ type }) => type === 'calibration')) {
    problems.push({ pointer: '/stages', part: 'key', message: 'nothing to do but calibration; expected an `initialMask`, `rebuild` or `evaluation` stage. Add one.' });
  }
}

/** The numbers of an `N:M` pattern. */
export function parsePattern(pattern: unknown): { n: number; m: number } | undefined {
  const match = typeof pattern === 'string' ? /^(\d+):(\d+)$/.exec(pattern) : null;
  return match === null ? undefined : { n: Number(match[1]), m: Number(match[2]) };
}

function checkPattern({ settings, path }: ReadStage, problems: ValueProblem[]): void {
  const nm = parsePattern(settings['pattern']);
  if (nm === undefined) return;
  if (nm.n < 1 || nm.n >= nm.m) {
    const message = `pattern "${nm.n}:${nm.m}" keeps ${nm.n} of every ${nm.m}; expected N:M with 1 <= N < M. Write for instance \`pattern: "2:4"\`.`;
    problems.push({ pointer: pointerOf([...path, 'pattern']), part: 'value', message });
    return;
  }
  const { sparsity } = settings;
  if (typeof sparsity === 'number' && Math.abs(sparsity - (1 - nm.n / nm.m)) > 1e-6) {
    const message = `\`sparsity\` is ${sparsity}; expected ${1 - nm.n / nm.m}, which follows from the pattern ${nm.n}:${nm.m}. Leave it out, or change the pattern.`;
    problems.push({ pointer: pointerOf([...path, 'sparsity']), part: 'value', message });
  }
}

function warnGranularity(stages: readonly ReadStage[], warnings: ValueProblem[]): void {
  const pattern = stages.find(({ type }) => type === 'initialMask')?.settings['pattern'];
  if (parsePattern(pattern) === undefined) return;
  for (const { type, settings, path } of stages) {
    const granularity = settings['granularity'];
    if (type !== 'rebuild' || granularity === 'output' || typeof granularity !== 'string') continue;
    const message = `granularity \`${granularity}\` has no effect with the pattern ${String(pattern)}: growth is by row, as for \`output\`. Write \`granularity: output\`.`;
    warnings.push({ pointer: pointerOf([...path, 'granularity']), part: 'value', message });
  }
}

/** Perplexity on text that the mask was fitted to is too good. */
function warnScoredCalibration(stages: readonly ReadStage[], { baseOf }: SemanticContext, warnings: ValueProblem[]): void {
  const fileOf = (settings: Settings, path: Segments) => {
    const file = isMapping(settings['dataset']) ? settings['dataset']['file'] : undefined;
    return typeof file === 'string' ? absolutePath(file, baseOf(pointerOf([...path, 'dataset', 'file']))) : undefined;
  };
  stages.forEach(({ type, settings, path }, position) => {
    if (type !== 'evaluation' || !Array.isArray(settings['perplexity'])) return;
    settings['perplexity'].filter(isMapping).forEach((task, index) => {
      const taskPath = [...path, 'perplexity', index];
      const file = fileOf(task, taskPath);
      for (const calibration of stages.slice(0, position).filter((stage) => stage.type === 'calibration')) {
        if (file === undefined || fileOf(calibration.settings, calibration.path) !== file) continue;
        const { samples, sequenceLength, sampling } = calibration.settings;
        const used = Number(samples) * Number(sequenceLength);
        if (sampling === 'sequential' && Number(task['skipTokens']) >= used) continue;
        const todo = sampling === 'sequential' ? `Add \`skipTokens: ${used}\`, or score another file.` : 'Score another file: random windows are anywhere in this one.';
        warnings.push({ pointer: pointerOf(taskPath), part: 'value', message: `calibration text is scored, which makes the perplexity too good; expected text that calibration does not use. ${todo}` });
        return;
      }
    });
  });
}
