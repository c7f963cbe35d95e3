import type { Pipeline, RebuildStage, Stage } from '../config/pipeline.js';
import { allocationMethodOf } from '../../science/methods/allocation/registry.js';
import { initialMethodOf } from '../../science/methods/initial/registry.js';

/** Number of events in the histories of a run. */
export interface Events {
  /** In all executions together. */
  total: number;
  /** Number of executions: one more for each time that the run continues as new. */
  executions: number;
  /** In the longest execution. */
  largest: number;
}

/** An activity is scheduled, starts and completes. Then a workflow task, with three more events, decides what comes next. */
const perActivity = 6;
/** An execution starts, has its first workflow task, and ends. */
const perExecution = 5;
/** Events after which a server suggests to continue as new, by default. */
const suggestedAt = 4096;

/** Workers of an evaluation, at most (workflows/lanes.ts). */
const mostLanes = 32;

/** Number of passes of an allocation through all layers. */
const passes = { nothing: 0, inputs: 1, gradients: 2 } as const;

/** A model, as far as events go. */
interface Counted {
  layers: number;
  /** Sub-blocks of a layer. */
  blocks: number;
}

/**
 * Returns how many events a run has if nothing goes wrong and none of its work exists yet. Counts the activities of workflows/pipeline.ts.
 * @param groups how often the zero-shot questions of an evaluation go through the layers
 * @param steps the maximum number of steps in which a rebuild from shards makes the masks of a sub-block
 */
export function eventsOf({ stages }: Pipeline, model: Counted, groups: (stage: Stage) => number, steps: (stage: RebuildStage) => number = () => 1): Events {
  const makes = stages.some(({ type }) => type === 'initialMask' || type === 'rebuild');
  // Seat, check of the request, and report. A run that prunes also writes a checkpoint and proves it.
  let activities = 3 + (makes ? 2 : 0);
  let stretch = 0;
  let shards = 1;
  for (const stage of stages) {
    if (stage.type === 'calibration') ({ shards = 1 } = stage);
    const [count, longest] = activitiesOf(stage, { ...model, shards, steps: stage.type === 'rebuild' ? steps(stage) : 1 }, groups(stage));
    activities += count;
    stretch = Math.max(stretch, longest);
  }
  const bare = perActivity * activities + perExecution;
  // The run continues as new at the next possible place after the suggestion, at the latest at the end of the longest stretch without such
  // a place.
  const executions = Math.max(1, Math.ceil((bare - perExecution) / (suggestedAt - perExecution)));
  return { total: bare + (executions - 1) * perExecution, executions, largest: executions === 1 ? bare : suggestedAt + perActivity * stretch + perExecution };
}

/** Activities of a stage, and the maximum number of them between two places where the run can continue as new. */
function activitiesOf(stage: Stage, { layers, blocks, shards, steps }: Counted & { shards: number; steps: number }, groups: number): [count: number, longest: number] {
  // The run asks for another worker once per layer.
  const inShards = (each: number, before = 0): [number, number] => [before + shards + layers * (each + 1) + 1, before + shards + each + 2];
  switch (stage.type) {
    case 'calibration':
      return [1, 1];
    case 'initialMask': {
      const { allocation } = stage;
      const scoring = allocation === undefined ? 0 : 1 + layers * passes[allocationMethodOf(allocation.method).needs];
      if (shards > 1 && initialMethodOf(stage.method).needs === 'hidden-states') return inShards(shards + 1, scoring);
      return [scoring + layers + 1, scoring + 1];
    }
    case 'rebuild':
      if (shards === 1) return [layers + 1, 2];
      // The run can continue as new between two steps of a layer.
      return [inShards((blocks * steps + 1) * (shards + 1))[0], 2 * shards + 3];
    case 'evaluation': {
      const states = stage.states.length;
      const texts = stage.perplexity.length * (1 + states * (layers + 2));
      const tasks = stage.zeroShot?.length ?? 0;
      const questions = tasks === 0 ? 0 : tasks + states * (2 + groups * (layers + 1));
      if (shards === 1) return [texts + questions, layers + 4 + tasks];
      // Several states, or groups of questions, between two such places. The run asks for another worker before each of them.
      const atOnce = Math.min(shards, mostLanes, Math.max(states, tasks === 0 ? 0 : groups));
      const rounds = shards + stage.perplexity.length * states + (tasks === 0 ? 0 : states * groups);
      return [texts + questions + rounds, shards + atOnce * (layers + 3) + 4 + tasks];
    }
  }
}
