import type { Stage } from '../config/pipeline.js';
import { rebuildMethodOf } from '../../science/methods/rebuild/registry.js';
import { ownSettings } from '../../science/methods/settings.js';
import { formatPercent } from './format.js';

function datasetName(dataset: Extract<Stage, { type: 'calibration' }>['dataset']): string {
  if ('name' in dataset) return dataset.name;
  return `\`${dataset.file}\`${dataset.field === undefined ? '' : ` (field \`${dataset.field}\`)`}`;
}

/** Describes a stage in one sentence of Markdown. */
export function describeStage(stage: Stage): string {
  switch (stage.type) {
    case 'calibration': {
      const how = stage.sampling === 'random' ? `random, seed ${stage.seed}` : 'sequential';
      const shards = stage.shards === undefined ? '' : `, in ${stage.shards} shards`;
      return `Calibration: ${stage.samples} windows of ${stage.sequenceLength} tokens (${how}) of ${datasetName(stage.dataset)}${shards}.`;
    }
    case 'initialMask': {
      const source = stage.source === undefined ? '' : ` \`${stage.source}\``;
      const pattern = stage.pattern === undefined ? '' : `, pattern ${stage.pattern}`;
      const share = stage.sparsity === undefined ? '' : `, sparsity ${formatPercent(stage.sparsity)}`;
      const { allocation } = stage;
      const spread = allocation === undefined ? '' : `, spread by ${allocation.method}${allocation.spread === undefined ? '' : ` (${allocation.spread})`}`;
      return `Initial mask: ${stage.method}${source}${pattern}${share}${spread}.`;
    }
    case 'rebuild': {
      const method = rebuildMethodOf(stage.strategy);
      return `Rebuild: ${[stage.strategy, `granularity ${stage.granularity}`, method.describe(ownSettings(method.settings, stage)), `metric ${stage.metric}`, `weights ${stage.weights}`].filter((part) => part !== '').join(', ')}.`;
    }
    case 'evaluation': {
      const tasks = stage.perplexity.map(
        (task) =>
          `perplexity on ${datasetName(task.dataset)} (${task.maxWindows === undefined ? 'all' : `at most ${task.maxWindows}`} windows of ${task.sequenceLength} tokens, the first ${task.skipTokens} tokens skipped)`,
      );
      const questions = (stage.zeroShot ?? []).map((task) => {
        const name = 'task' in task ? task.task : task.name;
        const from = task.file === undefined ? '' : ` of \`${task.file}\``;
        return `${name}${from} (${task.limit === undefined ? 'all' : `the first ${task.limit}`} documents${task.bos ? ', with BOS token' : ''})`;
      });
      const judged = [...tasks, ...(questions.length === 0 ? [] : [`zero-shot accuracy on ${questions.join(', ')}`])];
      return `Evaluation of ${stage.states.join(', ')}: ${judged.join('; ')}.`;
    }
  }
}
