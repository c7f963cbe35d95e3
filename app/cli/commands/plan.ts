import { exitCode } from '../exit-codes.js';
import { setUpOnFirstUse } from '../first-use.js';
import { loadPipelineFile } from '../load-pipeline.js';
import type { GlobalOptions } from '../options.js';
import type { PlanOptions } from '../plan/show-plan.js';

/**
 * `plan FILE`: predicts memory, disk and time by stage, and says whether they fit this machine or another device.
 * @returns the exit code
 * @throws PipelineFileError, ModelConfigMissingError, CalibrationError, and the errors of hub/
 */
export async function planCommand(file: string, options: GlobalOptions, own: PlanOptions): Promise<number> {
  const parsed = loadPipelineFile(file, options);
  await setUpOnFirstUse();
  // Loaded only now: it imports the code that runs models, which needs the packages that set-up installs.
  const { showPlan } = await import('../plan/show-plan.js');
  await showPlan(parsed, options, own);
  return exitCode.done;
}
