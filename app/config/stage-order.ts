import { allocationMethodOf, isAllocationMethod } from '../../science/methods/allocation/registry.js';
import { initialMethodOf, isInitialMethod } from '../../science/methods/initial/registry.js';
import { pointerOf } from './source-locations.js';
import type { ValueProblem } from './schema-problems.js';
import { allocationOf } from './stages.js';
import type { ReadStage } from './stages.js';

/** Reports stages in an order in which one of them has nothing to work on. */
export function checkOrder(stages: readonly ReadStage[], problems: ValueProblem[]): void {
  let calibrated = false;
  let firstMask: ReadStage | undefined;
  const states = new Set(['dense']);
  for (const stage of stages) {
    const { type, settings, path } = stage;
    const report = (message: string, at = path, part: ValueProblem['part'] = 'key') => problems.push({ pointer: pointerOf(at), part, message });
    if (type === 'calibration') calibrated = true;
    if (type === 'initialMask') {
      const method = settings['method'];
      if (firstMask !== undefined) report('a second `initialMask`; expected at most one in a pipeline. Remove it, or put it in its own pipeline.');
      if (isInitialMethod(method) && initialMethodOf(method).needs === 'hidden-states' && !calibrated) {
        report(`method \`${method}\` without calibration; expected a \`calibration\` stage before it. Add one, or use \`method: magnitude\`.`, [...path, 'method'], 'value');
      }
      const allocation = allocationOf(settings);
      if (isAllocationMethod(allocation) && allocationMethodOf(allocation).needs !== 'nothing' && !calibrated) {
        report(`allocation by \`${allocation}\` without calibration; expected a \`calibration\` stage before it. Add one, or leave \`allocation\` out.`, [...path, 'allocation']);
      }
      firstMask ??= stage;
      states.add('initial');
    }
    if (type === 'rebuild') {
      if (firstMask === undefined) report('`rebuild` before any `initialMask`; expected a mask to rebuild. Move it after the `initialMask` stage, or add one.');
      if (!calibrated) report('`rebuild` without calibration; expected a `calibration` stage before it. Add one.');
      states.add('rebuilt');
    }
    if (type === 'evaluation') {
      const asked: unknown[] = Array.isArray(settings['states']) ? settings['states'] : [];
      asked.forEach((state, index) => {
        if ((state === 'initial' || state === 'rebuilt') && !states.has(state)) {
          const maker = state === 'initial' ? 'initialMask' : 'rebuild';
          report(`state \`${state}\` does not exist yet; expected ${[...states].map((known) => `\`${known}\``).join(', ')} here. Move the evaluation after the stage \`${maker}\`.`, [...path, 'states', index], 'value');
        }
      });
    }
  }
  if (stages.length > 0 && stages.every(({ type }) => type === 'calibration')) {
    problems.push({ pointer: '/stages', part: 'key', message: 'nothing to do but calibration; expected an `initialMask`, `rebuild` or `evaluation` stage. Add one.' });
  }
}
