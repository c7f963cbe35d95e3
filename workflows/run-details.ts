import { setCurrentDetails } from '@temporalio/workflow';
import type { Activities } from '../activities/types.js';
import type { PipelineProgress, StageProgress } from './protocol.js';

/** Limit of a summary in characters. The server takes 400 bytes, and encryption adds to them. */
const longestSummary = 60;

const stageNames: Record<StageProgress['type'], string> = { calibration: 'calibration', initialMask: 'initial mask', rebuild: 'rebuild', evaluation: 'evaluation' };

/** Names of activities that the detail of the running stage does not describe. */
const ownNames: Partial<Record<keyof Activities, string>> = {
  prepareRun: 'checks of model, files and memory',
  findScores: 'initial mask, scores that are there already',
  sampleEvaluation: 'evaluation, text',
  writeReport: 'report',
  publishOutputs: 'publishing to a hub',
};

/** The end of a detail, with the number of shards of a layer that are done. */
export const shardsDone = (done: number, of: number): string => `, ${done} of ${of} shards`;
const anyShardsDone = /, \d+ of \d+ shards$/;

/** The text about a run on Temporal's own page. A replay compares neither summaries nor details. */
export class RunDetails {
  private progress: Pick<PipelineProgress, 'stages' | 'pause'> = { stages: [] };

  /** Sets the progress to describe. */
  track(progress: PipelineProgress): void {
    this.progress = progress;
    this.update();
  }

  /**
   * Describes an activity that begins now, for example `rebuild, layer 3`.
   * @param shard from 0; absent for work on all windows
   * @param detail what it does; the detail of the running stage if absent
   */
  summary(name: keyof Activities, shard?: number, detail?: string): string {
    this.update();
    const inFlight = shard === undefined ? this.inFlight(detail) : `${this.inFlight().replace(anyShardsDone, '')}, shard ${shard + 1}`;
    return (ownNames[name] ?? inFlight).replace(/\p{Cc}/gu, ' ').slice(0, longestSummary);
  }

  /** Shows the current state of all stages on the page. */
  update(): void {
    setCurrentDetails(detailsOf(this.progress));
  }

  /** The running stage; undefined before, between and after stages. */
  get stage(): StageProgress['type'] | undefined {
    return this.running()?.type;
  }

  private running(): StageProgress | undefined {
    return this.progress.stages.find(({ state }) => state === 'running');
  }

  private inFlight(detail?: string): string {
    const stage = this.running();
    return stage === undefined ? '' : [stageNames[stage.type], detail ?? stage.detail].filter((word) => word !== '').join(', ');
  }
}

/** A small table in Markdown: a row for each stage, and the latest result of a rebuild. */
export function detailsOf({ stages, pause }: Pick<PipelineProgress, 'stages' | 'pause'>): string {
  const rows = stages.map(({ type, state, done, total, seconds, detail }) => {
    const count = total === 0 ? '' : `${done} of ${total}`;
    return `| ${stageNames[type]} | ${state} | ${count} | ${seconds === 0 ? '' : `${seconds.toFixed(1)} s`} | ${cell(detail)} |`;
  });
  const last = stages.findLast(({ latest }) => latest !== undefined)?.latest?.at(-1);
  return [
    ...(pause === undefined ? [] : [pause === 'asked' ? '**Pausing after the unit of work in flight**' : '**Paused**', '']),
    '| stage | state | units | work | now |', '|---|---|--:|--:|---|', ...rows,
    ...(last === undefined ? [] : ['', `Last rebuilt: layer ${last.layer}, ${last.block}${last.expert === undefined ? '' : ` ${last.expert}`}: error ${last.errorBefore.toPrecision(4)} -> ${last.errorAfter.toPrecision(4)}`]),
  ].join('\n');
}

/** Escapes a table cell. It may contain names of texts, which come from the pipeline. */
const cell = (text: string): string => text.replace(/[\r\n]+/g, ' ').replaceAll('|', '\\|');
