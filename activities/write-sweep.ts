import { join } from 'node:path';
import { pathBelow, writeFileDurably } from '../files/artifacts/index.js';

/**
 * Writes the files of a sweep's report to `<state>/sweeps/<id>/`.
 * @returns the path of the report
 * @throws UnsafeNameError
 */
export async function writeSweep(state: string, sweepId: string, files: Record<string, string>): Promise<string> {
  return await writeReportFiles(join(state, 'sweeps'), sweepId, files);
}

/** The same of a search, to `<state>/searches/<id>/`. */
export async function writeSearch(state: string, searchId: string, files: Record<string, string>): Promise<string> {
  return await writeReportFiles(join(state, 'searches'), searchId, files);
}

async function writeReportFiles(parent: string, id: string, files: Record<string, string>): Promise<string> {
  const folder = pathBelow(parent, id, 'workflow id');
  for (const [name, text] of Object.entries(files)) await writeFileDurably(join(folder, name), [Buffer.from(text)]);
  return join(folder, 'report.md');
}
