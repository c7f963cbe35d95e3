/** Predicts what a pipeline will take: memory, disk and time by stage, from sizes, a measured machine, and earlier runs. */
export { admit, describeShortage, shortages, type Shortage } from './admission.js';
export { lengthProblems } from './lengths.js';
export { questionsPerBatch, sequenceNumbers, sequencesPerBatch, stagesOf } from './batches.js';
export { describeFewTokens, fewTokens, type FewTokens } from './few-tokens.js';
export { freeCapacity, isGpu, type Capacity } from './capacity.js';
export { AdmissionRefusedError, ModelConfigMissingError } from './errors.js';
export * from './layer-cost.js';
export { addMeasurement, correctionOf, disagree, predictedBy, readMeasurements, type Measurement } from './learned.js';
export { deviceCapacity, deviceMachine, devices, type DeviceName, type DevicePeaks } from './devices.js';
export { assumedMachine, bestSpeeds, keepMachine, knownMachine, planningPaths, processorName, secondsOf, type Machine } from './machine.js';
export { makePlan, plannedByStage, unitMemory, type Plan, type PlannedStage } from './plan.js';
export { checkpointSize, readModel } from './read-model.js';
export { outputsCost, proofCost, textBytes } from './stages.js';
export { scoredWindows } from './zero-shot.js';
export { initialShardSteps, rebuildShardSteps } from './shards.js';
export { kinds, sampleCost } from './step.js';
