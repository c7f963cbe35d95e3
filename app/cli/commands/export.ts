import { existsSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { bytesText } from '../../../errors/bytes-text.js';
import { writeSparseCheckpoint, type SparseFormat } from '../../../files/masks/index.js';
import { parse } from 'yaml';
import { writeFileDurably } from '../../../files/artifacts/index.js';
import { CommandLineError } from '../errors.js';
import { exitCode } from '../exit-codes.js';
import { checkpointOf, finishedRun } from '../outputs/finished-run.js';
import { lmEvalFiles } from '../outputs/lm-eval.js';
import { exportToMlflow } from '../outputs/mlflow.js';
import { checkUrl } from '../../operate/options.js';
import { singleAttempt, sendTrace, type SentTrace } from '../../operate/otlp.js';
import { otlpTarget } from '../../operate/otlp-target.js';
import { failedGates } from '../../report/index.js';
import type { PipelineResult } from '../../../workflows/protocol.js';
import { version } from '../version.js';
import { progressLine } from '../mask/progress.js';
import type { GlobalOptions } from '../options.js';
import { printJson } from '../output.js';

/** Options of the `export` command. */
export interface ExportFlags {
  mlflow?: string;
  experiment: string;
  lmEval?: string;
  /** Address of a trace receiver. */
  otlp?: string;
  format?: SparseFormat;
  /** Folder for the checkpoint in that format. */
  to?: string;
}

/**
 * `export RUN`: sends the numbers of a run and its trace to other tools, or writes its checkpoint in another format.
 * @returns the exit code
 * @throws CommandLineError, MlflowUnreachableError, MlflowRefusesError, and the errors of {@link finishedRun}, {@link writeSparseCheckpoint}
 * and {@link sendTrace}
 */
export async function exportCommand(word: string, { mlflow, experiment, lmEval, otlp, format, to }: ExportFlags, options: GlobalOptions): Promise<number> {
  if (format !== undefined || to !== undefined) {
    if (mlflow !== undefined || lmEval !== undefined || otlp !== undefined) throw new CommandLineError({ what: 'numbers and a checkpoint are exported in calls of their own', expected: '--format and --to, or --mlflow, --lm-eval and --otlp', remedy: 'Give two commands' });
    return await exportCheckpoint(word, format, to, options);
  }
  if (mlflow === undefined && lmEval === undefined && otlp === undefined) throw new CommandLineError({ what: 'no destination was given', expected: '--mlflow URL, --lm-eval FOLDER or --otlp URL', remedy: 'Give one of them, or several' });
  if (mlflow !== undefined) checkUrl(mlflow, '--mlflow');
  if (otlp !== undefined) checkUrl(otlp, '--otlp');
  const { result, folder } = await finishedRun(word, options, []);
  const { mtimeMs: endedAt } = await stat(join(folder, 'result.json'));
  const done: { files?: string[]; mlflow?: object; otlp?: SentTrace } = {};
  const lines: string[] = [];
  if (lmEval !== undefined) {
    const files = lmEvalFiles(result, endedAt).map(({ path, content }) => ({ path: join(resolve(lmEval), path), content }));
    for (const { path, content } of files) await writeFileDurably(path, [Buffer.from(`${JSON.stringify(content, null, 2)}\n`)]);
    done.files = files.map(({ path }) => path);
    lines.push(...done.files);
  }
  if (mlflow !== undefined) {
    const files = ['report.md', 'report.html', 'pipeline.lock.yaml', 'proof.json'].map((name) => join(folder, name)).filter((path) => existsSync(path));
    const run = await exportToMlflow({ url: mlflow, experiment, workflowId: idOf(result), result, settings: await settingsIn(folder), endedAt, files });
    done.mlflow = run;
    lines.push(`${run.url}${run.isNew ? '' : ' (it was there already)'}`);
  }
  if (otlp !== undefined) {
    done.otlp = await exportTrace(idOf(result), result, otlp);
    lines.push(`${done.otlp.url}: trace ${done.otlp.traceId}, ${done.otlp.spans} spans`);
  }
  if (options.json) printJson(done);
  else process.stdout.write(`${lines.join('\n')}\n`);
  return exitCode.done;
}

/** Returns the workflow id of a run. Its folder may have been copied under another name, but its report was written to `runs/<workflow id>/report.md`. */
const idOf = ({ report }: PipelineResult): string => basename(dirname(report));

async function exportTrace(workflowId: string, result: PipelineResult, url: string): Promise<SentTrace> {
  const { name, timeline, incidents = [] } = result;
  if (timeline === undefined || timeline.units.length === 0) throw new CommandLineError({ where: workflowId, what: 'its result has no timeline', expected: 'a run of this version', remedy: 'Run its pipeline again' });
  const status = failedGates(result).length === 0 ? 'completed' : 'gateFailed';
  return await sendTrace({ workflowId, name, status, timeline, incidents, result }, otlpTarget(url, version()), singleAttempt);
}

/** Writes the checkpoint of a run, or any pruned checkpoint, in a sparse format. */
async function exportCheckpoint(word: string, format: SparseFormat | undefined, to: string | undefined, options: GlobalOptions): Promise<number> {
  if (format === undefined || to === undefined) throw new CommandLineError({ what: '--format and --to belong together', expected: '--format FORMAT --to FOLDER', remedy: 'Give both' });
  const checkpoint = await checkpointOf(word, options);
  const progress = progressLine('writing');
  const { linears, denseBytes, bytes } = await writeSparseCheckpoint({ checkpoint, format, target: to, onProgress: progress.update }).finally(progress.end);
  if (options.json) printJson({ checkpoint: resolve(to), format, linears, denseBytes, bytes });
  else process.stdout.write(`${resolve(to)}: ${linears} linears as ${format}, ${bytesText(bytes)} instead of ${bytesText(denseBytes)}\n`);
  process.stderr.write(`${format} is a legacy format. Only compressed-tensors 0.14 and older versions read it. All other programs load the dense checkpoint, ${checkpoint}\n`);
  return exitCode.done;
}

/** Returns the settings of the run's pipeline by their paths, such as `stages.1.rebuild.ratio`. Empty if the run wrote no lock. */
async function settingsIn(folder: string): Promise<Record<string, string>> {
  const file = join(folder, 'pipeline.lock.yaml');
  if (!existsSync(file)) return {};
  const { pipeline } = parse(await readFile(file, 'utf8')) as { pipeline?: unknown };
  return Object.fromEntries(flat(pipeline, ''));
}

function flat(value: unknown, at: string): [string, string][] {
  if (typeof value !== 'object' || value === null) return at === '' ? [] : [[at, String(value)]];
  return Object.entries(value).flatMap(([key, member]) => flat(member, at === '' ? key : `${at}.${key}`));
}
