import { initialMethodOf } from '../../science/methods/initial/registry.js';
import type { ModelSize } from '../../science/cost/index.js';
import { shardedStages } from '../config/index.js';
import type { Pipeline, Stage } from '../config/pipeline.js';
import type { SettingProblem } from './setting-problem.js';
import { stepsOfSubBlock } from './shards.js';

/** Bytes that one array may have on Node.js 20. */
const maxBytes = 2 ** 32;

/** Returns the stages that work from shards and whose sums are too large for the model, as texts of errors. */
export function sumProblems(pipeline: Pipeline, size: ModelSize): SettingProblem[] {
  const sharded = shardedStages(pipeline);
  return pipeline.stages.flatMap((stage, index) => {
    const sums = sharded.includes(index) ? largestSum(stage, size) : undefined;
    if (sums === undefined || sums.bytes <= maxBytes) return [];
    return [{
      where: 'calibration.shards',
      what: `${sums.of} sums up ${(sums.bytes / 2 ** 30).toFixed(1)} GiB for the widest linear of ${pipeline.model.source}, whose input has ${Math.max(...size.layer.inputWidths)} values`,
      expected: `at most ${maxBytes / 2 ** 30} GiB, which is what one array may have`,
      remedy: `Remove \`shards\`, or write ${sums.instead}`,
    }];
  });
}

function largestSum(stage: Stage, size: ModelSize): { of: string; bytes: number; instead: string } | undefined {
  if (stage.type === 'initialMask') return { of: stage.method, bytes: initialMethodOf(stage.method).sharded?.largestSumBytes(size) ?? 0, instead: '`method: wanda`' };
  if (stage.type !== 'rebuild') return undefined;
  const { strategy, weights } = stage;
  return { of: `${strategy} with ${weights}`, bytes: stepsOfSubBlock(stage, size)?.largestArrayBytes ?? 0, instead: '`weights: keep-updates`' };
}
