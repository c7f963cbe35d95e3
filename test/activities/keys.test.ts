/**
 * Every key must contain everything that determines its artifact, and nothing else: one input is changed at a time.
 * An artifact that is made from another one has that one's key in its own key, so a change reaches all later artifacts.
 */
import { describe, expect, it } from 'vitest';
import { scoresDependOn } from '../../activities/allocation.js';
import { perplexityDependsOn } from '../../activities/evaluation.js';
import { hiddenDependsOn } from '../../activities/hidden-paths.js';
import { maskDependsOn } from '../../activities/initial-mask.js';
import { inputDifferences, lockedInputs } from '../../activities/lock/index.js';
import { rebuildDependsOn } from '../../activities/rebuild.js';
import { calibrationSettings, evaluationSettings, tokensDependOn } from '../../activities/sample-tokens.js';
import { shardedMaskDependsOn, sumsDependOn as maskSumsDependOn } from '../../activities/shards/initial-mask.js';
import { layerDependsOn, sumsDependOn as rebuildSumsDependOn } from '../../activities/shards/rebuild-keys.js';
import type { InitialMaskInput, Path, RebuildInput, RunContext } from '../../activities/types.js';
import { likelihoodsDependOn } from '../../activities/zero-shot/likelihoods.js';
import { questionsDependOn } from '../../activities/zero-shot/sample-questions.js';
import { digestOf } from '../../files/artifacts/index.js';
import type { CalibrationStage, DatasetSource, InitialMaskStage, NamedDataset, PerplexityTask, Pipeline, RebuildStage, ZeroShotTask } from '../../app/config/pipeline.js';
import { correctionOf, type Measurement } from '../../app/planning/learned.js';
import { allocationMethods, type AllocationMethodName } from '../../science/methods/index.js';
import { demoFolder, demoPipeline } from '../helpers/demo-run.js';

const context: RunContext = {
  model: { source: '/models/m', digest: 'model', family: 'llama', layers: 2, parameters: 10, prunable: 5 },
  engine: { backend: 'tensorflow', version: '1', device: 'cpu', threads: 2 },
  sequencesPerBatch: 8,
  files: {
    '/models/m/tokenizer.json': 'tokenizer', '/models/m/tokenizer_config.json': 'settings', '/models/m/model.safetensors': 'weights', '/texts/a.txt': 'text', '/texts/a.jsonl': 'text',
    '/texts/a.parquet': 'text', '/texts/b.jsonl': 'other', 'org/c4@commit/file': 'text', 'org/c4@commit/other': 'other', 'tasks/boolq.yaml': 'task', '/masks/m.safetensors': 'mask',
    '/masks/n.safetensors': 'another', '/pruned/a/model.safetensors': 'pruned', '/pruned/b/model.safetensors': 'otherwise', '/pruned/c/model.safetensors': 'pruned',
  },
  pattern: 'unstructured',
  sparsity: 0.5,
};
const withModel = (model: Partial<RunContext['model']>): RunContext => ({ ...context, model: { ...context.model, ...model } });
const withEngine = (engine: Partial<RunContext['engine']>): RunContext => ({ ...context, engine: { ...context.engine, ...engine } });
const withFiles = (files: Record<string, string>): RunContext => ({ ...context, files: { ...context.files, ...files } });
const moved = (): RunContext => ({
  ...withModel({ source: '/elsewhere' }),
  files: Object.fromEntries(Object.entries(context.files).map(([name, digest]) => [name.replace('/models/m/', '/elsewhere/'), digest])),
});

/** Possible changes, and whether the key must change too. */
type Cases = Record<string, [unknown, 'other' | 'same']>;

function check(base: unknown, cases: Cases): void {
  it.each(Object.entries(cases))('%s', (_, [changed, expected]) => {
    if (expected === 'other') expect(digestOf(changed)).not.toBe(digestOf(base));
    else expect(digestOf(changed)).toBe(digestOf(base));
  });
}

/** Changes that affect tensor work, for every kind of artifact that has it in its key. */
function numerics(of: (context: RunContext) => unknown, batches: 'other' | 'same' = 'other'): Cases {
  return {
    'another model': [of(withModel({ digest: 'changed' })), 'other'],
    'the model in another folder': [of(moved()), 'same'],
    'another backend': [of(withEngine({ backend: 'wasm' })), 'other'],
    'another version of the engine': [of(withEngine({ version: '2' })), 'other'],
    'another device': [of(withEngine({ device: 'gpu' })), 'other'],
    'other threads': [of(withEngine({ threads: 3 })), 'other'],
    'a new property of the engine': [of(withEngine({ instructions: 'avx512' } as object)), 'other'],
    'other batches': [of({ ...context, sequencesPerBatch: 4 }), batches],
    'a time for a retry': [of({ ...context, notBefore: '2026-01-01' }), 'same'],
  };
}

describe('tokens', () => {
  const stage: CalibrationStage = { type: 'calibration', dataset: { file: '/texts/a.txt' }, samples: 2, sequenceLength: 16, sampling: 'sequential', seed: 0 };
  const random = { ...stage, sampling: 'random' } as const;
  const nameOf = (dataset: DatasetSource): string => ('file' in dataset ? dataset.file : 'org/c4@commit/file');
  const of = (dataset: DatasetSource, changes: Partial<CalibrationStage> = {}, run = context): unknown =>
    tokensDependOn({ context: run, dataset, use: 'calibration', settings: calibrationSettings({ ...stage, ...changes }) }, nameOf(dataset));
  const text = { file: '/texts/a.txt' };

  describe('from a file', () => {
    check(of(text), {
      'other bytes': [of(text, {}, withFiles({ '/texts/a.txt': 'changed' })), 'other'],
      'the same bytes read as JSON lines': [of({ file: '/texts/a.jsonl' }), 'other'],
      'the same bytes read as Parquet': [of({ file: '/texts/a.parquet' }), 'other'],
      'the same bytes unpacked first': [of({ file: '/texts/a.txt.gz' }, {}, withFiles({ '/texts/a.txt.gz': 'text' })), 'other'],
      'special tokens': [of({ ...text, specialTokens: true }), 'other'],
      'special tokens, explicitly left out': [of({ ...text, specialTokens: false }), 'same'],
      'a field, which plain text does not have': [of({ ...text, field: 'body' }), 'same'],
      'the file elsewhere': [of({ file: '/moved/b.TXT' }, {}, withFiles({ '/moved/b.TXT': 'text' })), 'same'],
      'another tokenizer': [of(text, {}, withFiles({ '/models/m/tokenizer.json': 'changed' })), 'other'],
      'other settings of the tokenizer': [of(text, {}, withFiles({ '/models/m/tokenizer_config.json': 'changed' })), 'other'],
      'the files of the tokenizer swapped': [of(text, {}, withFiles({ '/models/m/tokenizer.json': 'settings', '/models/m/tokenizer_config.json': 'tokenizer' })), 'other'],
      'another text beside the tokenizer': [of(text, {}, withFiles({ '/models/m/calibration.txt': 'text' })), 'same'],
      'other weights, under the same tokenizer': [of(text, {}, withModel({ digest: 'changed' })), 'same'],
      'the model in another folder': [of(text, {}, moved()), 'same'],
      'another engine': [of(text, {}, withEngine({ backend: 'wasm' })), 'same'],
      'more windows': [of(text, { samples: 3 }), 'other'],
      'longer windows': [of(text, { sequenceLength: 17 }), 'other'],
      'random windows': [of(text, { sampling: 'random' }), 'other'],
      'a seed that is not used': [of(text, { seed: 1 }), 'same'],
    });
    check(of(text, random), { 'another seed': [of(text, { ...random, seed: 1 }), 'other'] });
  });

  describe('from documents', () => {
    check(of({ file: '/texts/a.jsonl' }), {
      'the default field, given by name': [of({ file: '/texts/a.jsonl', field: 'text' }), 'same'],
      'another field': [of({ file: '/texts/a.jsonl', field: 'body' }), 'other'],
      'another extension that is read the same way': [of({ file: '/texts/a.ndjson' }, {}, withFiles({ '/texts/a.ndjson': 'text' })), 'same'],
      'the extension in upper case': [of({ file: '/texts/a.JSONL' }, {}, withFiles({ '/texts/a.JSONL': 'text' })), 'same'],
    });
  });

  describe('from a named dataset', () => {
    const c4: NamedDataset = { name: 'c4', revision: 'main', specialTokens: true };
    check(of(c4), {
      'another dataset of the same bytes': [of({ ...c4, name: 'ptb' as const }), 'other'],
      'other bytes': [of(c4, {}, withFiles({ 'org/c4@commit/file': 'changed' })), 'other'],
      'no special tokens': [of({ ...c4, specialTokens: false }), 'other'],
      'another name for the same commit': [of({ ...c4, revision: 'v1' }), 'same'],
      'another use': [tokensDependOn({ context, dataset: c4, use: 'evaluation', settings: calibrationSettings(stage) }, 'org/c4@commit/file'), 'other'],
    });
  });

  describe('for a perplexity', () => {
    const task: PerplexityTask = { dataset: text, skipTokens: 0, sequenceLength: 16 };
    const scored = (changes: Partial<PerplexityTask>): unknown => tokensDependOn({ context, dataset: text, use: 'evaluation', settings: evaluationSettings({ ...task, ...changes }) }, text.file);
    check(scored({}), {
      'skipped tokens': [scored({ skipTokens: 1 }), 'other'],
      'fewer windows': [scored({ maxWindows: 1 }), 'other'],
      'longer windows': [scored({ sequenceLength: 17 }), 'other'],
    });
  });

  it('require the digests of what they are made from', () => {
    expect(() => of({ file: '/texts/unknown.txt' })).toThrow('the digest of /texts/unknown.txt is not known');
    expect(() => of(text, {}, { ...context, files: { '/texts/a.txt': 'text' } })).toThrow('the digests of the tokenizer in /models/m are not known');
  });
});

describe('questions', () => {
  const task: ZeroShotTask = { name: 'own', file: '/texts/a.jsonl', bos: false };
  const model = { attentionHeads: 2, hiddenSize: 8, intermediateSize: 16, maxPositions: 32 };
  const named = (file: string): { file: string; name: string } => ({ file, name: file });
  const of = (changes: Partial<ZeroShotTask> = {}, files = ['/texts/a.jsonl'], run = context, widths = model): unknown =>
    questionsDependOn(run, { ...task, ...changes }, files.map(named), widths);
  check(of(), {
    'other documents': [of({}, undefined, withFiles({ '/texts/a.jsonl': 'changed' })), 'other'],
    'the same bytes read as Parquet': [of({}, ['/texts/a.parquet']), 'other'],
    'the same bytes unpacked first': [of({}, ['/texts/a.jsonl.gz'], withFiles({ '/texts/a.jsonl.gz': 'text' })), 'other'],
    'documents of a second file': [of({}, ['/texts/a.jsonl', '/texts/b.jsonl']), 'other'],
    'the file elsewhere': [of({}, ['/moved.jsonl'], withFiles({ '/moved.jsonl': 'text' })), 'same'],
    'the forms of another task': [of({ task: 'boolq' }), 'other'],
    'another name of the same task': [of({ name: 'mine' }), 'same'],
    'fewer documents': [of({ limit: 1 }), 'other'],
    'a BOS token': [of({ bos: true }), 'other'],
    'another tokenizer': [of({}, undefined, withFiles({ '/models/m/tokenizer.json': 'changed' })), 'other'],
    'other weights of the same shape': [of({}, undefined, withModel({ digest: 'changed' })), 'same'],
    'another engine': [of({}, undefined, withEngine({ backend: 'wasm' })), 'same'],
    ...Object.fromEntries(Object.keys(model).map((width) => [`another ${width}`, [of({}, undefined, undefined, { ...model, [width]: 64 }), 'other']] as const)),
  });
  check(of({}, ['/texts/a.jsonl', '/texts/b.jsonl']), { 'files in another order': [of({}, ['/texts/b.jsonl', '/texts/a.jsonl']), 'other'] });

  it('require the digests of their documents', () => {
    expect(() => of({}, ['/texts/unknown.jsonl'])).toThrow('the digest of /texts/unknown.jsonl is not known');
  });
});

const tokens = { key: 'windows', samples: 2, sequenceLength: 16 };
const path: Path = { tokens, masks: ['mask0', null] };
const otherTokens: Path = { ...path, tokens: { ...tokens, key: 'changed' } };
const paths = (of: (path: Path) => unknown): Cases => ({
  'other windows': [of(otherTokens), 'other'],
  'another mask of an earlier layer': [of({ ...path, masks: ['changed', null] }), 'other'],
  'a dense earlier layer': [of({ ...path, masks: [null, null] }), 'other'],
  'the masks of two layers swapped': [of({ ...path, masks: [null, 'mask0'] }), 'other'],
  'one layer more': [of({ ...path, masks: ['mask0', null, null] }), 'other'],
});

describe('hidden states', () => {
  const of = (run: RunContext, along = path): unknown => hiddenDependsOn(run, along);
  check(of(context), {
    ...numerics(of), ...paths((along) => of(context, along)),
    'another pattern': [of({ ...context, pattern: '2:4' }), 'same'],
    'those of a path beside another': [of(context, { ...path, beside: path.masks }), 'other'],
  });
});

describe('a perplexity', () => {
  const of = (run: RunContext, along = path): unknown => perplexityDependsOn({ context: run, path: along });
  check(of(context), { ...numerics(of), ...paths((along) => of(context, along)) });
});

describe('log-likelihoods', () => {
  const of = (run: RunContext, part = { key: 'questions', part: 0 }, masks = path.masks): unknown => likelihoodsDependOn(run, part, masks);
  check(of(context), {
    ...numerics(of, 'same'),
    'other questions': [of(context, { key: 'changed', part: 0 }), 'other'],
    'another part': [of(context, { key: 'questions', part: 1 }), 'other'],
    'other masks': [of(context, undefined, [null, null]), 'other'],
  });
});

describe('scores of an allocation, and gradients', () => {
  const of = (run: RunContext, method: AllocationMethodName = 'owl', windows = tokens, layer = 0): unknown => scoresDependOn(run, method, windows, layer);
  check(of(context), {
    ...numerics(of),
    'another method': [of(context, 'sensitivity'), 'other'],
    'DLP': [of(context, 'dlp'), 'other'],
    'other windows': [of(context, 'owl', otherTokens.tokens), 'other'],
    'another layer': [of(context, 'owl', tokens, 1), 'other'],
    'another sparsity': [of({ ...context, sparsity: 0.6 }), 'same'],
  });
});

describe('an initial mask', () => {
  const stage: InitialMaskStage = { type: 'initialMask', method: 'magnitude', sparsity: 0.5 };
  const of = (changes: Partial<InitialMaskStage> = {}, run = context, rest: Partial<InitialMaskInput> = {}): unknown =>
    maskDependsOn({ context: run, stage: { ...stage, ...changes }, layer: 2, ...rest });

  describe('by magnitude', () => {
    check(of(), {
      'another model': [of({}, withModel({ digest: 'changed' })), 'other'],
      'another layer': [of({}, context, { layer: 1 }), 'other'],
      'another sparsity': [of({}, { ...context, sparsity: 0.6 }), 'other'],
      'another pattern': [of({}, { ...context, pattern: '2:4' }), 'other'],
      'another engine, which does not matter': [of({}, withEngine({ backend: 'wasm' })), 'same'],
      'damping, which does not matter': [of({ damping: 0.1 }), 'same'],
      'an allocation': [of({ allocation: { method: 'owl' } }, context, { scoredOn: tokens }), 'other'],
    });
  });

  describe('with an allocation', () => {
    const allocated = (run = context, allocation: InitialMaskStage['allocation'] = { method: 'owl' }, scoredOn = tokens): unknown => of({ allocation }, run, { scoredOn });
    check(allocated(), {
      ...numerics(allocated),
      'another method': [allocated(context, { method: 'sensitivity' }), 'other'],
      'another spread': [allocated(context, { method: 'owl', spread: 0.2 }), 'other'],
      'the default spread, given as a number': [allocated(context, { method: 'owl', spread: 0.08 }), 'same'],
      'other windows': [allocated(context, undefined, otherTokens.tokens), 'other'],
      'statistics of experts with few tokens': [allocated({ ...context, experts: { minTokens: 500 } }), 'other'],
      'another sparsity': [allocated({ ...context, sparsity: 0.6 }), 'other'],
    });
    check(allocated(context, { method: 'dlp' }), {
      'another method': [allocated(), 'other'],
      'another spread': [allocated(context, { method: 'dlp', spread: 0.08 }), 'other'],
      'the default spread, given as a number': [allocated(context, { method: 'dlp', spread: 0.15 }), 'same'],
    });
    it('keeps the key from before methods had folders', () => {
      expect(allocated()).toMatchObject({ allocation: { method: 'owl', spread: 0.08, engine: context.engine, sequencesPerBatch: 8, forward: 4, scores: 1, tokens: tokens.key } });
      expect(Object.keys((allocated() as { allocation: object }).allocation)).toHaveLength(7);
    });
  });

  describe('with an allocation by position', () => {
    const placed = (allocation: InitialMaskStage['allocation'] = { method: 'ramp' }, run = context): unknown => of({ allocation }, run);
    const { defaultSpread } = allocationMethods.ramp;
    check(placed(), {
      'no allocation': [of(), 'other'],
      'another spread': [placed({ method: 'ramp', spread: 0.33 }), 'other'],
      'other kinds': [placed({ method: 'ramp', kinds: 0.33 }), 'other'],
      'the default spread, given as a number': [placed({ method: 'ramp', spread: defaultSpread }), 'same'],
      'another engine, which does not matter': [placed(undefined, withEngine({ backend: 'wasm' })), 'same'],
      'another sparsity': [placed(undefined, { ...context, sparsity: 0.6 }), 'other'],
    });
  });

  describe.each(['wanda', 'sparsegpt', 'admm'] as const)('by %s', (method) => {
    const calibrated = (run = context, along = path, changes: Partial<InitialMaskStage> = {}): unknown => of({ method, ...changes }, run, { path: along });
    check(calibrated(), {
      ...numerics(calibrated),
      ...paths((along) => calibrated(context, along)),
      'another damping': [calibrated(context, path, { damping: 0.1 }), method === 'wanda' ? 'same' : 'other'],
      'the default damping, given as a number': [calibrated(context, path, { damping: 0.01 }), 'same'],
      'other iterations': [calibrated(context, path, { iterations: 10 }), method === 'admm' ? 'other' : 'same'],
      'the default iterations, given as a number': [calibrated(context, path, { iterations: 30 }), 'same'],
      'another method': [of({ method: method === 'wanda' ? 'sparsegpt' : 'wanda' }, context, { path }), 'other'],
    });
  });

  describe('from a file', () => {
    const from = (source: string, run = context): unknown => of({ method: 'file', source }, run);
    check(from('/masks/m.safetensors'), {
      'another mask file': [from('/masks/n.safetensors'), 'other'],
      'other bytes in the file': [from('/masks/m.safetensors', withFiles({ '/masks/m.safetensors': 'changed' })), 'other'],
      'the file elsewhere': [from('/moved', withFiles({ '/moved': 'mask' })), 'same'],
      'a checkpoint of the same bytes': [from('/pruned/x', withFiles({ '/pruned/x/model.safetensors': 'mask' })), 'other'],
    });
    check(from('/pruned/a'), {
      'another pruned checkpoint': [from('/pruned/b'), 'other'],
      'the checkpoint elsewhere': [from('/pruned/c'), 'same'],
      'one shard more': [from('/pruned/a', withFiles({ '/pruned/a/b.safetensors': 'x' })), 'other'],
      'a text beside its weights': [from('/pruned/a', withFiles({ '/pruned/a/text.txt': 'x' })), 'same'],
    });
    it('requires the digests of its source', () => {
      expect(() => from('/pruned/unknown')).toThrow('the digests of the mask source /pruned/unknown are not known');
    });
  });
});

describe('sums of a shard, and masks by the sums of shards', () => {
  const mask: InitialMaskStage = { type: 'initialMask', method: 'wanda', sparsity: 0.5 };
  const rebuild: RebuildStage = { type: 'rebuild', strategy: 'published', granularity: 'block', ratio: 0.1, metric: 'weight-gradient', weights: 'keep-dense' };
  const shardOf = (changes: { key?: string; whole?: string; of?: number } = {}): Path =>
    ({ ...path, tokens: { ...path.tokens, key: changes.key ?? 'shard', shard: { whole: changes.whole ?? path.tokens.key, of: changes.of ?? 4, first: 0, total: 8 } } });
  const shard = shardOf();
  const cases = (of: (run: RunContext, along: Path) => unknown): Cases => ({
    ...numerics((run) => of(run, shard)),
    'another shard': [of(context, shardOf({ key: 'another' })), 'other'],
    'of other windows': [of(context, shardOf({ whole: 'another' })), 'other'],
    'another number of shards': [of(context, shardOf({ of: 5 })), 'other'],
    'other masks before': [of(context, { ...shard, masks: ['changed', 'before'] }), 'other'],
  });

  describe('of a first mask', () => {
    const of = (run: RunContext, along: Path, stage = mask, layer = 2): unknown => maskSumsDependOn({ context: run, stage, layer }, along);
    check(of(context, shard), { ...cases(of), 'another sparsity': [of({ ...context, sparsity: 0.6 }, shard), 'other'], 'another layer': [of(context, shard, mask, 1), 'other'] });
  });
  describe('of a rebuilt mask', () => {
    const of = (run: RunContext, along: Path, changes: { blocks?: string[]; start?: string; state?: string } = {}): unknown =>
      rebuildSumsDependOn({ context: run, stage: rebuild, layer: 2, start: 'start', blocks: ['first'], ...changes }, along);
    check(of(context, shard), {
      ...cases(of),
      'another sub-block': [of(context, shard, { blocks: ['zeroth', 'first'] }), 'other'],
      'other masks of the layer': [of(context, shard, { blocks: ['changed'] }), 'other'],
      'another start': [of(context, shard, { start: 'changed' }), 'other'],
      'a later step': [of(context, shard, { state: 'state' }), 'other'],
    });
  });
  it('masks by the sums of shards are others than those of one pass, for each number of shards', () => {
    const first = [2, 3].map((count) => shardedMaskDependsOn({ context, stage: mask, layer: 2 }, path, count));
    const rebuilt = [2, 3].map((count) => layerDependsOn({ context, stage: rebuild, layer: 2, start: 'start' }, path, count));
    const whole = [maskDependsOn({ context, stage: mask, layer: 2, path }), rebuildDependsOn({ context, stage: rebuild, layer: 2, start: 'start', path })];
    expect(new Set([...first, ...rebuilt, ...whole].map(digestOf)).size).toBe(6);
  });
});

describe('a rebuilt mask', () => {
  const stage: RebuildStage = { type: 'rebuild', strategy: 'published', granularity: 'block', ratio: 0.1, metric: 'weight-gradient', weights: 'keep-dense' };
  const of = (changes: Partial<RebuildStage> = {}, run = context, rest: Partial<RebuildInput> = {}): unknown =>
    rebuildDependsOn({ context: run, stage: { ...stage, ...changes }, layer: 2, path, start: 'start', ...rest });
  check(of(), {
    ...numerics((run) => of({}, run)),
    ...paths((along) => of({}, context, { path: along })),
    'another start': [of({}, context, { start: 'changed' }), 'other'],
    'another layer': [of({}, context, { layer: 1 }), 'other'],
    'another pattern': [of({}, { ...context, pattern: '2:4' }), 'other'],
    'another granularity': [of({ granularity: 'layer' }), 'other'],
    'another ratio': [of({ ratio: 0.2 }), 'other'],
    'another metric': [of({ metric: 'weight' }), 'other'],
    'other weights': [of({ weights: 'refit' }), 'other'],
    'another strategy': [of({ strategy: 'guarded' }), 'other'],
    'rounds, which a published rebuild does not have': [of({ rounds: 2 }), 'same'],
  });
  const guarded = (changes: Partial<RebuildStage> = {}): unknown => of({ strategy: 'guarded', ...changes });
  describe('guarded', () => {
    check(guarded(), {
      'other rounds': [guarded({ rounds: 1 }), 'other'],
      'another tolerance': [guarded({ tolerance: 0.3 }), 'other'],
      'another budget': [guarded({ budget: 1 }), 'other'],
      'a ratio, which it finds itself': [guarded({ ratio: 0.7 }), 'same'],
    });
  });
  const swaps = (changes: Partial<RebuildStage> = {}): unknown => of({ strategy: 'swaps', ...changes });
  describe('swaps', () => {
    check(swaps(), {
      'other rounds': [swaps({ swapRounds: 1 }), 'other'],
      'other candidates': [swaps({ candidates: 8 }), 'other'],
      'the default candidates, given as a number': [swaps({ candidates: 48 }), 'same'],
      'rounds of a guarded rebuild': [swaps({ rounds: 2 }), 'same'],
    });
  });
  const best = (changes: Partial<RebuildStage> = {}): unknown => of({ strategy: 'best', ...changes });
  describe('best', () => {
    check(best(), {
      'another effort': [best({ effort: 3 }), 'other'],
      'the default effort, given as a number': [best({ effort: 10 }), 'same'],
      'other weights': [best({ weights: 'refit' }), 'other'],
      'a budget of a guarded rebuild': [best({ budget: 1 }), 'same'],
    });
  });
});

describe('a lock', () => {
  const pipeline: Pipeline = demoPipeline();
  const locked = (run: RunContext = context, of: Pipeline = pipeline): ReturnType<typeof lockedInputs> => lockedInputs(of, run, demoFolder);
  const lock = { ...locked(), outputs: { perplexity: {} } };
  const changes: Record<string, [ReturnType<typeof lockedInputs>, boolean]> = {
    'nothing': [locked(), true],
    'another model': [locked(withModel({ digest: 'changed' })), false],
    'another text': [locked(withFiles({ '/texts/a.txt': 'changed' })), false],
    'one file more': [locked(withFiles({ '/texts/z.txt': 'z' })), false],
    'another device': [locked(withEngine({ device: 'gpu' })), false],
    'other batches': [locked({ ...context, sequencesPerBatch: 4 }), false],
    'the same bytes read in another way': [locked(context, demoPipeline(['calibration.dataset.file=./calibration.jsonl'])), false],
    'another setting': [locked(context, demoPipeline(['rebuild.metric=weight'])), false],
    'other numerics': [{ ...locked(), numerics: { ...lock.numerics, tokens: 0 } }, false],
  };
  it.each(Object.entries(changes))('%s', (_, [found, same]) => {
    expect(inputDifferences(lock, found).length === 0).toBe(same);
  });
});

describe('what planning has learned', () => {
  const one: Measurement = { at: '', kind: 'rebuild guarded', engine: 'tensorflow', machine: 'measured', predicted: { seconds: 1, bytes: 1 }, measured: { seconds: 3, bytes: 3 } };
  const wanted = { kind: one.kind, engine: one.engine, machine: one.machine, amount: 'seconds', value: 1 } as const;
  it.each([
    ['the same work', {}, 1],
    ['another kind of work', { kind: 'rebuild published' }, 0],
    ['another engine', { engine: 'wasm' }, 0],
    ['other speeds of the machine', { machine: 'measured later' }, 0],
    ['memory, where speeds do not matter', { machine: 'measured later', amount: 'bytes' as const }, 1],
    ['work of another size', { value: 100 }, 0],
  ])('%s', (_, change, from) => {
    expect(correctionOf([one], { ...wanted, ...change }).from).toBe(from);
  });
});
