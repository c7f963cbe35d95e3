import { initialMethodOf } from '../../science/methods/initial/registry.js';
import type { ModelSize } from '../../science/cost/index.js';
import { shardedStages } from '../config/index.js';
import type { Pipeline } from '../config/pipeline.js';
import type { SettingProblem } from './setting-problem.js';

/** Bytes that one array may have on Node.js 20. */
const maxBytes = 2 ** 32;

/** Returns the initial masks from shards whose sums are too large for the model, as texts of errors. */
export function sumProblems(pipeline: Pipeline, size: ModelSize): SettingProblem[] {
  const sharded = shardedStages(pipeline);
  return pipeline.stages.flatMap((stage, index) => {
    if (stage.type !== 'initialMask' || !sharded.includes(index)) return [];
    const bytes = initialMethodOf(stage.method).sharded?.largestSumBytes(size) ?? 0;
    if (bytes <= maxBytes) return [];
    const gibibytes = (bytes / 2 ** 30).toFixed(1);
    return [{
      where: 'calibration.shards',
      what: `${stage.method} sums up ${gibibytes} GiB for the widest linear of ${pipeline.model.source}, whose input has ${Math.max(...size.layer.inputWidths)} values`,
      expected: `at most ${maxBytes / 2 ** 30} GiB, which is what one array may have`,
      remedy: 'Remove `shards`, or write `method: wanda`',
    }];
  });
}
