import { join } from 'node:path';
import { pathBelow, writeFileDurably } from '../files/artifacts/index.js';

/** Returns the folder for the report of a sweep or a search. @throws UnsafeNameError */
export const runGroupFolder = (state: string, noun: 'sweep' | 'search', workflowId: string): string => pathBelow(join(state, noun === 'sweep' ? 'sweeps' : 'searches'), workflowId, 'workflow id');

/**
 * Writes the files of a sweep's report to `<state>/sweeps/<id>/`.
 * @returns the path of the report
 * @throws UnsafeNameError
 */
export async function writeSweep(state: string, sweepId: string, files: Record<string, string>): Promise<string> {
  return await writeReportFiles(runGroupFolder(state, 'sweep', sweepId), files);
}

/** Like {@link writeSweep} for a search, to `<state>/searches/<id>/`. */
export async function writeSearch(state: string, searchId: string, files: Record<string, string>): Promise<string> {
  return await writeReportFiles(runGroupFolder(state, 'search', searchId), files);
}

async function writeReportFiles(folder: string, files: Record<string, string>): Promise<string> {
  for (const [name, text] of Object.entries(files)) await writeFileDurably(join(folder, name), [Buffer.from(text)]);
  return join(folder, 'report.md');
}
