import { resolve } from 'node:path';
import { printJson } from '../output.js';
import { checks as allChecks, type Check, type Finding, type Surroundings } from './checks.js';
import { probeEngine, type Probe } from './probe.js';

export interface DoctorOptions {
  /** One JSON object on stdout instead of lines. */
  json: boolean;
  /** The state folder. */
  state: string;
}

/** One check's finding, under its name. */
export type Report = Finding & { name: string };

/** Runs checks one after the other. A check that throws becomes a finding. */
export async function examine(checks: readonly Check[], surroundings: Surroundings): Promise<Report[]> {
  const reports: Report[] = [];
  for (const { name, find } of checks) {
    try {
      reports.push({ name, ...(await find(surroundings)) });
    } catch (error) {
      reports.push({ name, standing: 'missing', what: error instanceof Error ? error.message : String(error) });
    }
  }
  return reports;
}

/** One line for each check, followed by how to fix it if something is wrong. */
export function formatReports(reports: readonly Report[]): string {
  const width = Math.max(...reports.map(({ name }) => name.length));
  const lines = reports.flatMap(({ name, standing, what, mend }) => {
    const line = `${standing.padEnd(7)}  ${name.padEnd(width)}  ${what}`;
    return mend === undefined ? [line] : [line, `${' '.repeat(width + 11)}To fix: ${mend}.`];
  });
  const bad = reports.filter(({ standing }) => standing === 'missing').map(({ name }) => name);
  const verdict = bad.length === 0 ? 'Pipelines can run here.' : `Pipelines cannot run here: ${bad.join(', ')}.`;
  return [...lines, '', verdict].join('\n');
}

/**
 * Prints what is there, what is missing, which engine and device compute, and how to fix problems.
 * @returns the exit code: 0 if pipelines can run, else 1
 */
export async function runDoctor({ json, state }: DoctorOptions): Promise<number> {
  const known = new Map<string, Promise<Probe>>();
  const probe: Surroundings['probe'] = (backend) => {
    const result = known.get(backend) ?? probeEngine(backend);
    known.set(backend, result);
    return result;
  };
  const reports = await examine(allChecks, { state: resolve(state), probe });
  const able = reports.every(({ standing }) => standing !== 'missing');
  const { engine } = await probe('auto');
  if (json) printJson({ able, engine, checks: reports });
  else process.stdout.write(`${formatReports(reports)}\n`);
  return able ? 0 : 1;
}
