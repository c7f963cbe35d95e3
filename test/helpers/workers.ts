import { Worker, type WorkerOptions } from '@temporalio/worker';
import { sweepQueue } from '../../workflows/sweep-protocol.js';

/** Creates a worker for the task queue of runs, and one for that of sweeps and searches, as worker.ts does. */
export async function createWorkers(options: WorkerOptions): Promise<{ run: () => Promise<void>; shutdown: () => void }> {
  const { workflowBundle: _, sinks: __, ...common } = options;
  const both = [await Worker.create(options), await Worker.create({ ...common, taskQueue: sweepQueue(options.taskQueue ?? '') })];
  return {
    run: async () => { await Promise.all(both.map((worker) => worker.run())); },
    shutdown: () => { for (const worker of both) worker.shutdown(); },
  };
}
