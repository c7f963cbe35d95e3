import { appendFile, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ComputeHost } from '../../../activities/compute/host.js';
import { engineText } from '../../../science/engine/index.js';
import { addMeasurement, assumedMachine, correctionOf, makePlan, planningPaths, processorName, readMeasurements, secondsOf, type Measurement } from '../../../app/planning/index.js';
import { stageSteps } from '../../../app/planning/stages.js';
import { begin, demoPipeline, rebuildStageOf, temporaryState } from '../../helpers/demo-run.js';
import { pipelineOf } from './pipelines.js';
import { cpuEngine, llama7b } from './llama7b.js';

let state: string;
let remove: () => Promise<void>;
beforeEach(async () => void ({ state, remove } = await temporaryState()));
afterEach(() => remove());

const unit = (kind: string, predicted: number, measured: number, other: Partial<Measurement> = {}): Measurement => ({
  at: '', kind, engine: 'e', machine: 'm', predicted: { seconds: predicted, bytes: predicted }, measured: { seconds: measured, bytes: measured }, ...other,
});
const asked = { kind: 'a', engine: 'e', machine: 'm', amount: 'seconds', value: 10 } as const;

describe('a correction', () => {
  it('is the median of measured over predicted, so that a slow first layer does not matter', () => {
    const units = [unit('a', 10, 300), unit('a', 10, 20), unit('a', 10, 20), unit('a', 5, 11)];
    expect(correctionOf(units, asked)).toEqual({ factor: 2.1, from: 4 });
    expect(correctionOf([], asked)).toEqual({ factor: 1, from: 0 });
  });

  it('learns from the same kind, engine and speeds, and from a similar size', () => {
    const units = [unit('b', 10, 90), unit('a', 10, 90, { engine: 'f' }), unit('a', 10, 90, { machine: 'n' }), unit('a', 1, 9), unit('a', 100, 900), unit('a', 10, 15)];
    expect(correctionOf(units, asked)).toEqual({ factor: 1.5, from: 1 });
    // Memory does not depend on the measured speed of a machine.
    expect(correctionOf(units, { ...asked, amount: 'bytes' })).toEqual({ factor: 5.25, from: 2 });
  });

  it('forgets old measurements', () => {
    const units = [...Array.from({ length: 60 }, () => unit('a', 10, 90)), ...Array.from({ length: 50 }, () => unit('a', 10, 10))];
    expect(correctionOf(units, asked)).toEqual({ factor: 1, from: 50 });
  });

  it('from a run applies to the next plan, independent of the speeds used in its own prediction', () => {
    // The state after a first run: the run knew no speeds of this machine, and the plan has just measured some while the machine was busy.
    const assumed = assumedMachine(cpuEngine);
    const slow = { ...assumed, origin: 'measured later', speeds: { ...assumed.speeds, flops: assumed.speeds.flops / 20, bandwidth: assumed.speeds.bandwidth / 3 } };
    const request = { pipeline: pipelineOf(), size: llama7b().size, perBatch: 1, machine: slow };
    const steps = stageSteps(request.pipeline, request.size, 1).find(({ type }) => type === 'rebuild')?.steps ?? [];
    const measurements = steps.map(({ kind, cost: { work } }) => ({
      ...unit(kind, 1, 7, { engine: engineText(cpuEngine), machine: assumed.origin, processor: processorName(), work }), predicted: { seconds: secondsOf(work, assumed), bytes: 1 },
    }));
    const count = steps.reduce((sum, step) => sum + step.count, 0);
    const planned = (taken: Measurement[]): number => makePlan({ ...request, measurements: taken }).stages.find(({ type }) => type === 'rebuild')?.seconds ?? 0;
    expect(planned(measurements)).toBeCloseTo(count * 7.1, 6);
    // Measurements of another processor in the same state folder do not count.
    expect(planned(measurements.map((one) => ({ ...one, processor: 'another' })))).toBeCloseTo(planned([]), 6);
  });

  it('corrects later plans of that kind and of no other', () => {
    const machine = assumedMachine(cpuEngine);
    // With this setting no hidden states wait in memory to be written.
    const request = { pipeline: pipelineOf(['durability.maxLoss=86400']), size: llama7b().size, perBatch: 1, machine };
    const before = makePlan({ ...request, measurements: [] });
    const [, mask, rebuild] = before.stages;
    const taken = { seconds: rebuild.seconds / 32 - 0.1, bytes: rebuild.host };
    const measured: Measurement = {
      at: '', kind: 'rebuild published', engine: engineText(cpuEngine), machine: machine.origin, predicted: taken, measured: { seconds: 3 * taken.seconds, bytes: 1.25 * taken.bytes },
    };
    const after = makePlan({ ...request, measurements: [measured] });
    expect(after.stages[2].host / rebuild.host).toBeCloseTo(1.25, 6);
    expect((after.stages[2].seconds - 3.2) / (rebuild.seconds - 3.2)).toBeCloseTo(3, 1);
    expect(after.stages[2].learnedFrom).toBe(1);
    expect(after.stages[1]).toEqual(mask);
    expect(after.total.host).toBe(after.stages[2].host);
  });
});

describe('the record of measurements', () => {
  it('survives a torn line', async () => {
    await addMeasurement(state, unit('a', 1, 2));
    await appendFile(planningPaths.measurements(state), '{"at":"2026\n');
    await addMeasurement(state, unit('b', 1, 2));
    expect((await readMeasurements(state)).map(({ kind }) => kind)).toEqual(['a', 'b']);
  });

  it('stays small and keeps the newest entries', async () => {
    const long = 'x'.repeat(60_000);
    for (let i = 0; i < 40; i++) await addMeasurement(state, unit(`${i}`, 1, 2, { at: long }));
    expect((await stat(planningPaths.measurements(state))).size).toBeLessThan(600_000);
    expect((await readMeasurements(state)).at(-1)?.kind).toBe('39');
  });
});

describe('a compute process', () => {
  it('records every layer that it makes, and none that it reuses', async () => {
    const host = new ComputeHost({ state, entry: resolve('dist/activities/compute/child.js'), onOutput: () => undefined });
    try {
      const run: Parameters<typeof begin>[0] = (task, input) => host.run(task, input, new AbortController().signal, () => undefined) as never;
      const pipeline = demoPipeline();
      for (let time = 0; time < 2; time++) {
        const { context, tokens, initial } = await begin(run, pipeline);
        await run('rebuildLayer', { context, stage: rebuildStageOf(pipeline), layer: 0, path: { tokens, masks: [] }, start: initial[0] });
        const units = await readMeasurements(state);
        expect(units.map(({ kind }) => kind)).toEqual(['sample', ...initial.map(() => 'initialMask wanda'), 'rebuild published']);
        for (const { engine, predicted, measured } of units) {
          expect(engine).toBe(engineText(context.engine));
          expect(measured.seconds).toBeGreaterThan(0);
          expect(measured.bytes / predicted.bytes).toBeGreaterThan(0.3);
          expect(measured.bytes / predicted.bytes).toBeLessThan(3);
        }
      }
    } finally {
      host.stop();
    }
  });
});
