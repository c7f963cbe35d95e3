import { isAbsolute } from 'node:path';
import { mixtureProblems, type ParsedPipeline, type Pipeline } from '../../config/index.js';
import { fetchModelConfig } from '../../../files/hub/index.js';
import { describeFewTokens, describeShortage, deviceCapacity, deviceMachine, devices, fewTokens, freeCapacity, lengthProblems, makePlan, readMeasurements, readModel, sequencesPerBatch, shortages, type DeviceName } from '../../planning/index.js';
import { ModelSettingError } from '../errors.js';
import type { GlobalOptions } from '../options.js';
import { calibratedMachine } from './calibrate.js';
import { planText } from './text.js';
import { printJson } from '../output.js';

export interface PlanOptions {
  /** Measure this machine again. */
  calibrate: boolean;
  /** A GPU that this machine does not have. */
  device?: DeviceName;
}

/** Prints the plan of a pipeline, and what this machine cannot provide. */
export async function showPlan({ pipeline, digest }: ParsedPipeline, { state, json }: GlobalOptions, { calibrate, device }: PlanOptions): Promise<void> {
  const { model, size, weights } = await readModel(await modelFolder(pipeline.model));
  for (const { path, what, expected, remedy } of mixtureProblems(pipeline, model.experts !== undefined)) {
    throw new ModelSettingError({ where: path.join('.'), what, expected, remedy });
  }
  for (const problem of lengthProblems(pipeline, model.maxPositions)) throw new ModelSettingError(problem);
  const measurements = await readMeasurements(state);
  // For another device, only the host is measured here, so its precision does not matter.
  const engine = device === undefined ? pipeline.engine : { backend: pipeline.engine.backend };
  const here = await calibratedMachine({ state, engine, renew: calibrate, measurements });
  const machine = device === undefined ? here : deviceMachine(devices[device], here, pipeline.engine.precision);
  const perBatch = sequencesPerBatch(pipeline, model);
  const plan = makePlan({ pipeline, size, perBatch, machine, measurements });
  const free = device === undefined ? freeCapacity(state, machine.engine) : deviceCapacity(devices[device], freeCapacity(state, here.engine));
  const missing = shortages(plan, free);
  const scarce = fewTokens(pipeline, size);
  const facts = { family: model.family, layers: size.layers, parameters: size.parameters, prunable: size.prunable, fileBytes: size.fileBytes, weights };
  if (json) printJson({ name: pipeline.name, digest, model: facts, machine, sequencesPerBatch: perBatch, ...plan, free, fits: missing.length === 0, shortages: missing, fewTokens: scarce });
  else {
    process.stdout.write(planText({ name: pipeline.name, model: facts, machine, plan, free }));
    for (const few of scarce) process.stdout.write(`Few tokens: ${describeFewTokens(few)}\n`);
    for (const shortage of missing) process.stdout.write(`Does not fit: ${describeShortage(shortage)}.\n`);
  }
}

/** Returns a folder with at least the model's config. A plan downloads nothing else from a hub. */
async function modelFolder({ source, revision = 'main' }: Pipeline['model']): Promise<string> {
  return isAbsolute(source) ? source : (await fetchModelConfig({ repository: source, revision })).folder;
}
