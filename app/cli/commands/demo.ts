import path from 'node:path';
import { packageRoot } from '#setup/paths.mjs';
import type { GlobalOptions } from '../options.js';
import { runCommand } from './run.js';

/**
 * `demo`: runs the pipeline that comes with this package.
 * @returns the exit code
 */
export async function demoCommand(options: GlobalOptions): Promise<number> {
  return await runCommand(path.join(packageRoot, 'pipelines', 'demo.yaml'), options);
}
