import type { Pipeline, Stage } from '../config/pipeline.js';
import { allocationMethodOf } from '../../science/methods/allocation/registry.js';
import { initialMethodOf } from '../../science/methods/initial/registry.js';

/** Of the histories of a run. */
export interface Events {
  /** Of all executions together. */
  total: number;
  /** How often the run begins, having continued as new. */
  executions: number;
  /** Of the longest execution. */
  largest: number;
}

/** An activity is scheduled, begins and ends, and the workflow is then asked what comes next, in three events more. */
const perActivity = 6;
/** An execution begins, is asked what comes first, and ends. */
const perExecution = 5;
/** Events after which a server suggests to continue as new, by default. */
const suggestedAt = 4096;

/** How often an allocation runs through all layers. */
const passes = { nothing: 0, inputs: 1, gradients: 2 } as const;

/** A model, as far as events go. */
interface Counted {
  layers: number;
  /** Sub-blocks of a layer. */
  blocks: number;
}

/**
 * How many events a run that nothing happens to has, none of its work being there yet. Counts the activities of workflows/pipeline.ts.
 * @param groups how often the zero-shot questions of an evaluation go through the layers
 */
export function eventsOf({ stages }: Pipeline, model: Counted, groups: (stage: Stage) => number): Events {
  const makes = stages.some(({ type }) => type === 'initialMask' || type === 'rebuild');
  // A seat, the check of the request, the report; and checkpoint and proof.
  let activities = 3 + (makes ? 2 : 0);
  let stretch = 0;
  let shards = 1;
  for (const stage of stages) {
    if (stage.type === 'calibration') ({ shards = 1 } = stage);
    const [count, longest] = activitiesOf(stage, { ...model, shards }, groups(stage));
    activities += count;
    stretch = Math.max(stretch, longest);
  }
  const bare = perActivity * activities + perExecution;
  // It continues at the next possible place after the suggestion, at the latest at the end of the longest stretch without one.
  const executions = Math.max(1, Math.ceil((bare - perExecution) / (suggestedAt - perExecution)));
  return { total: bare + (executions - 1) * perExecution, executions, largest: executions === 1 ? bare : suggestedAt + perActivity * stretch + perExecution };
}

/** Activities of a stage, and the most of them between two places where the run can continue as new. */
function activitiesOf(stage: Stage, { layers, blocks, shards }: Counted & { shards: number }, groups: number): [count: number, longest: number] {
  // Once a layer, another worker is asked for.
  const inShards = (each: number): [number, number] => [shards + layers * (each + 1) + 1, shards + each + 2];
  switch (stage.type) {
    case 'calibration':
      return [1, 1];
    case 'initialMask': {
      const { allocation } = stage;
      if (shards > 1 && initialMethodOf(stage.method).needs === 'hidden-states') return inShards(shards + 1);
      const scoring = allocation === undefined ? 0 : 1 + layers * passes[allocationMethodOf(allocation.method).needs];
      return [scoring + layers + 1, scoring + 1];
    }
    case 'rebuild':
      return shards > 1 ? inShards((blocks + 1) * (shards + 1)) : [layers + 1, 2];
    case 'evaluation': {
      const states = stage.states.length;
      const texts = stage.perplexity.length * (1 + states * (layers + 2));
      const tasks = stage.zeroShot?.length ?? 0;
      const questions = tasks === 0 ? 0 : tasks + states * (2 + groups * (layers + 1));
      return [texts + questions, layers + 4 + tasks];
    }
  }
}
