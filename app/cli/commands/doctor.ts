import type { GlobalOptions } from '../options.js';

/**
 * `doctor`: shows what is there, what is missing, and how to fix it.
 * @returns the exit code
 */
export async function doctorCommand({ json, state }: GlobalOptions): Promise<number> {
  const { runDoctor } = await import('../doctor/doctor.js');
  return await runDoctor({ json, state });
}
