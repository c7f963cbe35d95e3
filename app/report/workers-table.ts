import { duration, grouped } from './figures.js';
import type { TimelineView } from './view/timeline-view.js';

/** Rows on the work of each worker for a run, heading first. */
export function workerRows({ lanes }: Pick<TimelineView, 'lanes'>): string[][] {
  const rows = lanes.map(({ worker, units, worked, waited, lost }) => [worker, grouped(units), duration(worked), duration(waited), duration(lost)]);
  return [['worker', 'pieces', 'worked', 'waited for it', 'failed or lost'], ...rows];
}
