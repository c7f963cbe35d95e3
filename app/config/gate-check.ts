import { GateSyntaxError } from './gate-lexer.js';
import type { GateCondition, Quantity } from './gate.js';
import { nearest } from './nearest.js';
import type { DatasetSource, ModelState, Stage } from './pipeline.js';

/** Names as results have them: a number is added to duplicates. */
function numbered(names: readonly string[]): string[] {
  const seen = new Map<string, number>();
  return names.map((name) => {
    const count = (seen.get(name) ?? 0) + 1;
    seen.set(name, count);
    return count === 1 ? name : `${name}#${count}`;
  });
}

/** A dataset's name in results: its name, or the file's name without folders. */
const datasetName = (dataset: DatasetSource): string => ('file' in dataset ? (dataset.file.split(/[\\/]/).pop() ?? dataset.file) : dataset.name);

/** The names of everything that a pipeline measures, by the state that it is measured on. */
class Measured {
  readonly datasets = new Map<ModelState, Set<string>>();
  readonly tasks = new Map<ModelState, Set<string>>();
  readonly stages: ReadonlySet<string>;

  constructor(stages: readonly Stage[]) {
    this.stages = new Set(stages.map(({ type }) => type));
    for (const stage of stages) {
      if (stage.type !== 'evaluation') continue;
      for (const state of stage.states) {
        addAll(this.datasets, state, numbered(stage.perplexity.map(({ dataset }) => datasetName(dataset))));
        const { zeroShot = [] } = stage;
        addAll(this.tasks, state, numbered(zeroShot.map((task) => ('task' in task ? task.task : task.name))));
      }
    }
  }
}

function addAll(sets: Map<ModelState, Set<string>>, state: ModelState, names: readonly string[]): void {
  sets.set(state, new Set([...(sets.get(state) ?? []), ...names]));
}

/**
 * Returns the condition with its dataset named, after checking that the pipeline measures what it asks for.
 * @throws GateSyntaxError if it does not
 */
export function checkCondition(condition: GateCondition, stages: readonly Stage[]): GateCondition {
  const quantity = checkQuantity(condition.quantity, stages);
  const { bound } = condition;
  if ('state' in bound && (quantity.kind === 'perplexity' || quantity.kind === 'zeroShot')) checkQuantity({ ...quantity, state: bound.state }, stages);
  return { ...condition, quantity };
}

/**
 * Returns the quantity with its dataset named, after checking that the pipeline measures it.
 * @throws GateSyntaxError if it does not
 */
export function checkQuantity(quantity: Quantity, stages: readonly Stage[]): Quantity {
  const measured = new Measured(stages);
  switch (quantity.kind) {
    case 'perplexity':
      return { ...quantity, dataset: nameIn(measured.datasets, [quantity.state], quantity.dataset, 'dataset') };
    case 'gapClosed':
      return { ...quantity, dataset: nameIn(measured.datasets, ['dense', 'initial', 'rebuilt'], quantity.dataset, 'dataset') };
    case 'zeroShot':
      nameIn(measured.tasks, [quantity.state], quantity.task, 'task');
      return quantity;
    case 'drop':
      nameIn(measured.tasks, ['dense', quantity.state], quantity.task, 'task');
      return quantity;
    case 'sparsity':
      if (!measured.stages.has('initialMask')) throw lacking('the sparsity', 'an `initialMask` stage');
      return quantity;
    case 'weights':
      if (!measured.stages.has('rebuild')) throw lacking('the weights that a rebuild changes', 'a `rebuild` stage');
      return quantity;
    case 'seconds':
      if (quantity.stage !== 'total' && !measured.stages.has(quantity.stage)) throw lacking(`the seconds of \`${quantity.stage}\``, 'such a stage');
      return quantity;
  }
}

const lacking = (what: string, needed: string): GateSyntaxError => new GateSyntaxError(0, `it asks for ${what}, which this pipeline does not have; expected ${needed}. Add it, or remove the gate.`);

/** Checks that a name is measured on all of the states, and returns it. Without a name, returns the only one that is measured. */
function nameIn(known: ReadonlyMap<ModelState, ReadonlySet<string>>, states: readonly ModelState[], name: string | undefined, what: 'dataset' | 'task'): string {
  const kind = what === 'dataset' ? 'perplexity' : 'zero-shot task';
  for (const state of states) {
    const names = [...(known.get(state) ?? [])];
    const listed = names.map((one) => `\`${one}\``).join(', ');
    if (names.length === 0) {
      const others = [...known].filter(([, found]) => found.size > 0).map(([other]) => `\`${other}\``);
      const expected = others.length === 0 ? `an \`evaluation\` with one` : `a state that is evaluated: ${others.join(', ')}`;
      throw new GateSyntaxError(0, `it asks for a ${kind} of the state \`${state}\`, which this pipeline does not evaluate; expected ${expected}. Add the state to an \`evaluation\`, or change the gate.`);
    }
    if (name !== undefined && !names.includes(name)) {
      const meant = nearest(name, names);
      throw new GateSyntaxError(0, `this pipeline does not evaluate \`${state}\` on the ${what} \`${name}\`; expected ${listed}. ${meant === undefined ? 'Name one of them.' : `Did you mean \`${meant}\`?`}`);
    }
    if (name === undefined && names.length > 1) throw new GateSyntaxError(0, `it does not say which ${what}; expected one of ${listed}. Write \`of ${names[0]}\` after it.`);
    name ??= names[0];
  }
  return name ?? '';
}
