import { formatDuration, formatInteger } from './format.js';
import type { TimelineView } from './view/timeline-view.js';

/** Rows on the work of each worker for a run, heading first. */
export function workerRows({ lanes }: Pick<TimelineView, 'lanes'>): string[][] {
  const rows = lanes.map(({ worker, units, worked, waited, lost }) => [worker, formatInteger(units), formatDuration(worked), formatDuration(waited), formatDuration(lost)]);
  return [['worker', 'pieces', 'worked', 'waited for it', 'failed or lost'], ...rows];
}
