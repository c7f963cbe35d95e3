/** Fake activities that compute nothing. They answer at once, with numbers that are different for every unit of work. */
import { Context } from '@temporalio/activity';
import { shardedStages } from '../../app/config/index.js';
import type { Activities, Path, RunContext, SharedActivities, TokensRef } from '../../activities/types.js';

/** A key in the format of the store, different for every word. */
export const keyOf = (word: string): string => Buffer.from(word).toString('hex').padEnd(64, '0').slice(0, 64);

const layers = 2;
const tokensOf = (word: string): TokensRef => ({ key: keyOf(word), samples: 1, sequenceLength: 8 });
/** So large that the parts do not go through the layers together. */
const parts = Array.from({ length: 2 }, () => ({ samples: 1, tokens: 8, bytes: 4 * 2 ** 30 }));

export const madeUpContext: RunContext = {
  model: { source: '/m', digest: 'd', family: 'llama', layers, parameters: 200, prunable: 100 },
  engine: { backend: 'wasm', version: '1', device: 'cpu', threads: 1 },
  sequencesPerBatch: 1,
  files: {},
  pattern: 'unstructured',
  sparsity: 0.5,
};

type AllActivities = Activities & SharedActivities;

/** @param before called at the start of each activity, which waits for it */
export function madeUpActivities(taskQueue: string, before: (name: keyof AllActivities, input: { context?: RunContext; spent?: number; layer?: number; path?: Path; masks?: string[] }) => Promise<void>): AllActivities {
  // Like the store, it remembers what has been made.
  const known = new Set<string>();
  const unit = { seconds: 1, reused: false };
  const pathText = ({ tokens, masks }: Path): string => JSON.stringify([tokens.key, masks]);
  const activities: Partial<AllActivities> = {
    takeSeat: () => Promise.resolve({ taskQueue, store: 'made up' }),
    prepareRun: ({ pipeline }) => {
      const sharded = shardedStages(pipeline);
      return Promise.resolve({ ...madeUpContext, ...(sharded.length > 0 && { sharded }) });
    },
    sampleCalibration: ({ stage: { shards } }) => {
      const tokens = tokensOf('calibration');
      const parts = Array.from({ length: shards ?? 0 }, (_, shard) => ({ ...tokensOf(`shard ${shard}`), shard: { whole: tokens.key, of: shards ?? 0, first: shard, total: shards ?? 0 } }));
      return Promise.resolve({ ...unit, tokens, ...(parts.length > 0 && { shards: parts }) });
    },
    gatherShard: () => Promise.resolve(unit),
    chooseMask: ({ layer }) => Promise.resolve({ ...unit, mask: keyOf(`initial ${layer}`), sparsity: 0.5, entries: [] }),
    findScores: () => Promise.resolve({ needs: 'inputs' as const, known: false }),
    scoreLayer: () => Promise.resolve(unit),
    makeInitialMask: ({ layer }) => Promise.resolve({ ...unit, mask: keyOf(`initial ${layer}`), sparsity: 0.5 + layer / 100, entries: [{ layer, linear: 'q', damping: 0.02, deadInputs: 0 }] }),
    rebuildLayer: ({ layer }) => Promise.resolve({ ...unit, mask: keyOf(`rebuilt ${layer}`), entries: [{ layer, block: 'mlp' as const, errorBefore: 2, errorAfter: 1, grown: layer, pruned: layer }] }),
    // Two sub-blocks, each in two steps.
    gatherSubBlock: () => Promise.resolve({ ...unit, made: false }),
    rebuildSubBlock: ({ layer, blocks, state }) => {
      const done = `${layer} ${blocks.length}`;
      return Promise.resolve({ ...unit, made: false, ...(state === undefined ? { state: keyOf(`state ${done}`) } : { mask: keyOf(`block ${done}`), left: 1 - blocks.length }) });
    },
    finishShard: ({ path: { tokens } }) => Promise.resolve({ ...unit, made: false, errors: [tokens.shard?.first ?? 0, 1] }),
    closeLayer: ({ layer, blocks, states, finished }) => {
      const mask = keyOf(JSON.stringify([blocks, states, finished]));
      return Promise.resolve({ ...unit, mask, entries: [{ layer, block: 'mlp' as const, errorBefore: 2, errorAfter: 1, grown: layer, pruned: layer }] });
    },
    proveMasks: () => Promise.resolve(),
    writeOutputs: () => Promise.resolve({ ...unit, checkpoint: '/c', mask: '/k', pruned: 50 }),
    proveOutputs: () => Promise.resolve({ ...unit, proof: '/p' }),
    sampleEvaluation: ({ task: { dataset } }) => Promise.resolve({ ...unit, tokens: tokensOf('file' in dataset ? dataset.file : dataset.name) }),
    findPerplexity: () => Promise.resolve(null),
    advanceLayer: () => Promise.resolve(unit),
    scorePerplexity: ({ path }) => Promise.resolve({ ...unit, perplexity: pathText(path).length, scored: 7 }),
    sampleQuestions: () => Promise.resolve({ ...unit, questions: { key: keyOf('questions'), documents: 3, parts } }),
    findLikelihoods: ({ parts: those, masks }) => Promise.resolve(those.map((part) => known.has(JSON.stringify([part, masks])))),
    scoreLikelihoods: ({ path: { tokens, masks } }) => {
      for (const part of tokens.questions ?? []) known.add(JSON.stringify([part, masks]));
      return Promise.resolve(unit);
    },
    judgeZeroShot: ({ state, tasks }) => {
      const score = { acc: 0.5, acc_stderr: 0.1, acc_norm: null, acc_norm_stderr: null, documents: 3, bos: false, digest: state };
      return Promise.resolve({ ...unit, scores: Object.fromEntries(tasks.map(({ label }) => [label, score])) });
    },
    writeReport: () => Promise.resolve({ report: '/report.md' }),
  };
  const entries = Object.entries(activities) as [keyof AllActivities, (input: never) => Promise<unknown>][];
  const watched = entries.map(([name, activity]) => [
    name,
    async (input: never) => {
      Context.current().heartbeat();
      await before(name, input);
      return await activity(input);
    },
  ]);
  return Object.fromEntries(watched) as AllActivities;
}
