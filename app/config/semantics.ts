import { isCommit } from '../../files/hub/model-source.js';
import { isKeepWeights } from '../../science/methods/rebuild/method.js';
import { rebuildMethodOf, rebuildMethods } from '../../science/methods/rebuild/registry.js';
import { absolutePath } from './absolute-path.js';
import { checkGates } from './resolve-gates.js';
import { checkPattern, parsePattern } from './pattern.js';
import { pointerOf } from './source-locations.js';
import type { Segments } from './source-locations.js';
import type { ValueProblem } from './schema-problems.js';
import { show } from './schema-problems.js';
import { checkOrder } from './stage-order.js';
import { isMapping, readStages } from './stages.js';
import { checkEvaluations } from './evaluation-check.js';
import { checkShards } from './shards-check.js';
import { strategyOf } from './strategy.js';
import { textFormat } from '../../files/datasets/text-format.js';
import type { ReadStage, Settings } from './stages.js';

export interface SemanticContext {
  /** Whether a repository id is accepted without a revision. */
  allowFloating: boolean;
  /** Folder that relative paths of the value at a JSON pointer start from. */
  baseOf: (pointer: string) => string;
  /** Whether a model source is a repository id, not a folder. */
  isRepository: (source: string) => boolean;
}

/** Collects problems and warnings that the schema cannot express: the order of stages, contradictions, and references. */
export function semanticProblems(data: unknown, context: SemanticContext): { problems: ValueProblem[]; warnings: ValueProblem[] } {
  const problems: ValueProblem[] = [];
  const warnings: ValueProblem[] = [];
  if (!isMapping(data)) return { problems, warnings };
  checkGates(data['gates'], problems);
  checkModel(data['model'], context, problems, warnings);
  checkEngine(data['engine'], problems);
  const stages = readStages(data['stages']);
  if (stages === undefined) return { problems, warnings };
  checkOrder(stages, problems);
  checkEvaluations(stages, problems, warnings);
  for (const stage of stages.filter(({ type }) => type === 'initialMask')) checkPattern(stage, problems);
  warnGranularity(stages, warnings);
  checkGranularity(stages, problems);
  warnUnread(stages, warnings);
  checkWeights(stages, problems);
  warnFloatingDatasets(stages, warnings);
  checkFields(stages, problems);
  checkShards(stages, problems);
  warnScoredCalibration(stages, context, warnings);
  checkPublish(data['outputs'], stages, problems);
  return { problems, warnings };
}

function checkModel(model: unknown, { allowFloating, isRepository }: SemanticContext, problems: ValueProblem[], warnings: ValueProblem[]): void {
  if (!isMapping(model) || typeof model['source'] !== 'string') return;
  const { source, revision } = model as { source: string; revision?: unknown };
  if (!isRepository(source)) {
    if (revision !== undefined) warnings.push({ pointer: '/model/revision', part: 'key', message: '`revision` has no meaning for a folder; it is ignored. Remove it.' });
    return;
  }
  if (revision === undefined && !allowFloating) {
    const message = `\`revision\` is missing for the repository id ${show(source)}; expected a commit, so that the run gives the same result tomorrow. Add one of https://huggingface.co/${source}/commits/main, pass --allow-floating, or write \`./${source}\` if a folder is meant.`;
    problems.push({ pointer: '/model/source', part: 'value', message });
  } else if (typeof revision === 'string' && !isCommit(revision)) {
    warnings.push({ pointer: '/model/revision', part: 'value', message: `revision ${show(revision)} can point to other weights later; expected a commit of 40 hexadecimal digits. Write the commit that it points to now.` });
  }
}

function checkEngine(engine: unknown, problems: ValueProblem[]): void {
  if (!isMapping(engine) || engine['backend'] !== 'wasm') return;
  const { precision = 'float32' } = engine;
  if (precision !== 'tf32' && precision !== 'bfloat16') return;
  const message = `precision ${show(precision)} is not possible with the backend \`wasm\`, which computes in float32. Remove it, or set \`backend: tensorflow\`.`;
  problems.push({ pointer: '/engine/precision', part: 'value', message });
}

function checkPublish(outputs: unknown, stages: readonly ReadStage[], problems: ValueProblem[]): void {
  if (!isMapping(outputs) || outputs['publish'] === undefined || stages.some(({ type }) => type === 'initialMask')) return;
  problems.push({ pointer: '/outputs/publish', part: 'key', message: 'there is no checkpoint to publish, because no stage prunes; expected an `initialMask` stage. Add one, or remove `publish`.' });
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

/**
 * A strategy that keeps the budgets of rows also keeps those of a linear and of a sub-block, but not those of columns. N:M has no budgets.
 */
function checkGranularity(stages: readonly ReadStage[], problems: ValueProblem[]): void {
  if (parsePattern(stages.find(({ type }) => type === 'initialMask')?.settings['pattern']) !== undefined) return;
  for (const { type, settings, path } of stages) {
    if (type !== 'rebuild' || settings['granularity'] !== 'input') continue;
    const strategy = strategyOf(settings);
    if (!rebuildMethodOf(strategy).byRow) continue;
    const message = `granularity \`input\` cannot be combined with strategy \`${strategy}\`, which works within rows; expected \`output\`. Write \`granularity: output\`.`;
    problems.push({ pointer: pointerOf([...path, 'granularity']), part: 'value', message });
  }
}

/** Warns of settings of another strategy, which would silently have no effect. */
function warnUnread(stages: readonly ReadStage[], warnings: ValueProblem[]): void {
  for (const { type, settings, path } of stages) {
    if (type !== 'rebuild') continue;
    const strategy = strategyOf(settings);
    const own = rebuildMethodOf(strategy).settings;
    const readers = (key: string) => Object.entries(rebuildMethods).filter(([, method]) => Object.hasOwn(method.settings, key)).map(([name]) => name);
    for (const key of Object.keys(settings).filter((name) => !Object.hasOwn(own, name) && readers(name).length > 0)) {
      const others = readers(key).map((name) => `\`${name}\``).join(', ');
      const message = `\`${key}\` has no effect with strategy \`${strategy}\`; only ${others} ${readers(key).length > 1 ? 'read' : 'reads'} it. Remove it, or write \`strategy: ${readers(key)[0]}\`.`;
      warnings.push({ pointer: pointerOf([...path, key]), part: 'key', message });
    }
  }
}

/** Checks only a revision that the file itself gives: the default revision of a name is this program's choice. */
function warnFloatingDatasets(stages: readonly ReadStage[], warnings: ValueProblem[]): void {
  for (const { dataset: { revision }, path } of datasetsOf(stages)) {
    if (typeof revision !== 'string' || isCommit(revision)) continue;
    const message = `revision ${show(revision)} can point to another text later; expected a commit of 40 hexadecimal digits. Write the commit that it points to now.`;
    warnings.push({ pointer: pointerOf([...path, 'revision']), part: 'value', message });
  }
}

/** Rejects a field for plain text, which would silently have no effect. */
function checkFields(stages: readonly ReadStage[], problems: ValueProblem[]): void {
  for (const { dataset: { file, field }, path } of datasetsOf(stages)) {
    if (typeof file !== 'string' || field === undefined || textFormat(file).documents !== 'text') continue;
    const message = `\`field\` for ${show(file)}, which is read as plain text; expected it only with .json, .jsonl, .ndjson (each also with .gz) or .parquet files. Remove it, or rename the file.`;
    problems.push({ pointer: pointerOf([...path, 'field']), part: 'key', causes: [pointerOf([...path, 'file'])], message });
  }
}

/** The datasets of all stages, with their paths. */
function datasetsOf(stages: readonly ReadStage[]): { dataset: Settings; path: Segments }[] {
  return stages.flatMap(({ settings, path }) => {
    const tasks: unknown[] = Array.isArray(settings['perplexity']) ? settings['perplexity'] : [];
    const holders = [{ holder: settings, at: path }, ...tasks.map((holder, index) => ({ holder, at: [...path, 'perplexity', index] }))];
    return holders.flatMap(({ holder, at }) => (isMapping(holder) && isMapping(holder['dataset']) ? [{ dataset: holder['dataset'], path: [...at, 'dataset'] }] : []));
  });
}

/** Rejects `weights` that a strategy does not support, such as a refit in a strategy without a guard. */
function checkWeights(stages: readonly ReadStage[], problems: ValueProblem[]): void {
  for (const { type, settings, path } of stages) {
    const { weights } = settings;
    if (type !== 'rebuild' || !isKeepWeights(weights)) continue;
    const strategy = strategyOf(settings);
    const allowed = rebuildMethodOf(strategy).weights;
    if (allowed.includes(weights)) continue;
    const able = Object.entries(rebuildMethods).find(([, method]) => (method.weights as readonly string[]).includes(weights))?.[0] ?? 'guarded';
    const remedy = settings['strategy'] === undefined ? `Remove \`ratio\`, or write \`weights: ${allowed.at(-1)}\`.` : `Write \`strategy: ${able}\`, or \`weights: ${allowed.at(-1)}\`.`;
    const message = `\`weights: ${weights}\` cannot be combined with strategy \`${strategy}\`; expected ${allowed.map((value) => `\`${value}\``).join(' or ')}. ${remedy}`;
    problems.push({ pointer: pointerOf([...path, 'weights']), part: 'value', message });
  }
}

/** Warns if the mask is fitted to the text that is scored: the perplexity would be too good. */
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
        const remedy = sampling === 'sequential' ? `Add \`skipTokens: ${used}\`, or score another file.` : 'Score another file: random windows can come from anywhere in this one.';
        warnings.push({ pointer: pointerOf(taskPath), part: 'value', message: `the calibration text is scored, which makes the perplexity too good; expected text that calibration does not use. ${remedy}` });
        return;
      }
    });
  });
}
