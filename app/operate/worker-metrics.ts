import type { Context } from '@temporalio/activity';
import type { MetricMeter } from '@temporalio/common';
import type { ActivityInboundCallsInterceptor, ActivityInterceptorsFactory } from '@temporalio/worker';
import type { WorkCosts } from '../../activities/result.js';
import type { Activities, UnitResult } from '../../activities/types.js';
import type { EndedRun } from '../../workflows/run-end.js';

/** The activities of a run, and what they work on. */
const tasks: Record<keyof Activities, 'layer' | 'other'> = {
  prepareRun: 'other', sampleCalibration: 'other', sampleEvaluation: 'other', findScores: 'other', scoreLayer: 'layer', makeInitialMask: 'layer', rebuildLayer: 'layer',
  gatherShard: 'other', chooseMask: 'layer', gatherSubBlock: 'other', rebuildSubBlock: 'other', finishShard: 'other', closeLayer: 'layer',
  findPerplexity: 'other', advanceLayer: 'layer', scorePerplexity: 'other', sampleQuestions: 'other', findLikelihoods: 'other', scoreLikelihoods: 'other',
  judgeZeroShot: 'other', proveMasks: 'other', writeOutputs: 'other', proveOutputs: 'other', writeReport: 'other', publishOutputs: 'other',
};
const isLayerTask = (task: string): boolean => (tasks as Record<string, string>)[task] === 'layer';

const kinds: readonly (keyof WorkCosts['seconds'])[] = ['products', 'elementwise', 'transfers', 'javascript', 'waiting'];

/**
 * The metrics of a worker, besides those of the SDK itself. Counters are whole numbers, so work is counted in milliseconds. docs/operate.md
 * lists them, and a test compares.
 */
export class WorkerMetrics {
  private readonly units;
  private readonly layers;
  private readonly unitSeconds;
  private readonly queueSeconds;
  private readonly work;
  private readonly bytes;
  private readonly peak;
  private readonly retries;
  private readonly incidents;
  private readonly runs;
  private readonly gates;
  private readonly seat;

  constructor(meter: MetricMeter) {
    this.units = meter.createCounter('llm_barber_units', 'units', 'Units of work: made, found in the store, or failed.');
    this.layers = meter.createCounter('llm_barber_layers', 'layers', 'Decoder layers that were worked on.');
    this.unitSeconds = meter.createHistogram('llm_barber_unit_seconds', 'float', 's', 'Seconds that a unit of work took.');
    this.queueSeconds = meter.createHistogram('llm_barber_queue_seconds', 'float', 's', 'Seconds that a unit of work waited for this worker.');
    this.work = meter.createCounter('llm_barber_work_milliseconds', 'ms', 'Milliseconds of computation by kind.');
    this.bytes = meter.createCounter('llm_barber_transferred_bytes', 'bytes', 'Bytes between JavaScript and TensorFlow.');
    this.peak = meter.createGauge('llm_barber_peak_memory_bytes', 'int', 'bytes', 'Largest resident memory of the compute process in the last unit of work.');
    this.retries = meter.createCounter('llm_barber_retries', 'attempts', 'Attempts after the first one.');
    this.incidents = meter.createCounter('llm_barber_incidents', 'incidents', 'Incidents that runs survived: crashes, outages, clocks that jumped.');
    this.runs = meter.createCounter('llm_barber_runs', 'runs', 'Runs that ended, by status.');
    this.gates = meter.createCounter('llm_barber_gates', 'gates', 'Quality gates of runs that ended, by outcome.');
    this.seat = meter.createGauge('llm_barber_seat_taken', 'int', 'runs', '1 while a run occupies this worker.');
    // Starts all counters at 0. Prometheus sees no increase if a counter appears with its first value.
    for (const task of Object.keys(tasks)) {
      this.retries.add(0, { task });
      for (const outcome of ['made', 'found', 'failed']) this.units.add(0, { task, outcome });
      if (isLayerTask(task)) for (const outcome of ['made', 'found']) this.layers.add(0, { task, outcome });
    }
    for (const kind of kinds) this.work.add(0, { kind });
    for (const direction of ['up', 'down']) this.bytes.add(0, { direction });
    this.incidents.add(0);
    this.seat.set(0);
    for (const status of ['completed', 'gateFailed', 'failed', 'cancelled']) this.runs.add(0, { status });
    for (const outcome of ['passed', 'failed']) this.gates.add(0, { outcome });
  }

  /** Watches the activities of a run. */
  readonly interceptors: ActivityInterceptorsFactory = (context: Context) => ({ inbound: this.inbound(context) });

  private inbound({ info }: Context): ActivityInboundCallsInterceptor {
    const task = { task: info.activityType };
    return {
      execute: async (input, next) => {
        const began = Date.now();
        this.queueSeconds.record(Math.max(0, began - info.currentAttemptScheduledTimestampMs) / 1000, task);
        if (info.attempt > 1) this.retries.add(1, task);
        try {
          const result = await next(input);
          this.finished(info.activityType, result as Partial<UnitResult> | null | undefined, (Date.now() - began) / 1000);
          return result;
        } catch (error) {
          this.units.add(1, { ...task, outcome: 'failed' });
          throw error;
        }
      },
    };
  }

  private finished(task: string, result: Partial<UnitResult> | null | undefined, seconds: number): void {
    const outcome = result?.reused === true ? 'found' : 'made';
    this.units.add(1, { task, outcome });
    if (isLayerTask(task)) this.layers.add(1, { task, outcome });
    this.unitSeconds.record(seconds, { task, outcome });
    const { costs } = result ?? {};
    if (costs === undefined) return;
    for (const kind of kinds) this.work.add(Math.round(costs.seconds[kind] * 1000), { kind });
    this.bytes.add(costs.bytesUp, { direction: 'up' });
    this.bytes.add(costs.bytesDown, { direction: 'down' });
    if (costs.peakBytes !== undefined) this.peak.set(costs.peakBytes);
  }

  incident(): void {
    this.incidents.add(1);
  }

  setSeatTaken(isTaken: boolean): void {
    this.seat.set(isTaken ? 1 : 0);
  }

  ended({ status, gates = [] }: EndedRun): void {
    this.runs.add(1, { status });
    for (const { passed } of gates) this.gates.add(1, { outcome: passed ? 'passed' : 'failed' });
  }
}
