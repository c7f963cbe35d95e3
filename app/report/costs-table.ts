/** Shows how the time of a run's own work was spent, as rows of a table. */
import { bytesText } from '../../errors/bytes-text.js';
import type { CostedStage } from '../../activities/result.js';
import type { PipelineResult } from '../../workflows/protocol.js';
import { formatDuration } from './format.js';

/** Names of the stages in reports. */
export const stageNames: Record<CostedStage, string> = { calibration: 'calibration', initialMask: 'initial mask', rebuild: 'rebuild', evaluation: 'evaluation' };

/** Describes the columns of {@link costRows}. */
export const costsNote =
  'Seconds of one thread: in matrix products, in other operations of the engine, in copies to and from the engine, in JavaScript, and idle (waiting for the disk or for other threads). '
  + 'Only work that this run did itself is counted.';

/** A heading, and one row for each stage that did any work; empty if nothing was recorded. */
export function costRows({ costs = {} }: Pick<PipelineResult, 'costs'>): string[][] {
  const rows = (Object.keys(stageNames) as CostedStage[]).flatMap((stage) => {
    const cost = costs[stage];
    if (cost === undefined) return [];
    const { products, elementwise, transfers, javascript, waiting } = cost.seconds;
    const seconds = [products, elementwise, transfers, javascript, waiting].map(formatDuration);
    return [[stageNames[stage], ...seconds, bytesText(cost.bytesUp), bytesText(cost.bytesDown), cost.peakBytes === undefined ? '' : bytesText(cost.peakBytes)]];
  });
  return rows.length === 0 ? [] : [['stage', 'products', 'other', 'transfers', 'JavaScript', 'idle', 'up', 'down', 'peak memory'], ...rows];
}
