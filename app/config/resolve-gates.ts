import { checkCondition } from './gate-check.js';
import { parseCondition } from './gate-grammar.js';
import { GateSyntaxError } from './gate-lexer.js';
import type { Gate } from './gate.js';
import type { Stage } from './pipeline.js';
import { pointerOf } from './source-locations.js';
import type { CheckedGate } from './resolve.js';
import type { ValueProblem } from './schema-problems.js';
import { isMapping } from './stages.js';

/** Returns the condition of a gate in the file, and its place; undefined for values that the schema rejects. */
function checkOf(gate: unknown, index: number): { check: string; pointer: string } | undefined {
  if (typeof gate === 'string') return { check: gate, pointer: pointerOf(['gates', index]) };
  if (!isMapping(gate) || typeof gate['check'] !== 'string') return undefined;
  return { check: gate['check'], pointer: pointerOf(['gates', index, 'check']) };
}

/** Collects problems for texts that are not gates. */
export function checkGates(gates: unknown, problems: ValueProblem[]): void {
  if (!Array.isArray(gates)) return;
  gates.forEach((gate, index) => {
    const found = checkOf(gate, index);
    if (found !== undefined) problems.push(...problemOf(found.pointer, () => parseCondition(found.check)));
  });
}

/** Returns the gates with everything named, and problems for gates on something that the stages do not measure. */
export function resolveGates(checked: readonly CheckedGate[] = [], stages: readonly Stage[]): { gates: Gate[]; problems: ValueProblem[] } {
  const gates: Gate[] = [];
  const problems = checked.flatMap((gate, index) => {
    const { check, pointer } = checkOf(gate, index) ?? { check: '', pointer: '' };
    const name = typeof gate === 'string' ? undefined : gate.name;
    return problemOf(pointer, () => gates.push({ ...(name !== undefined && { name }), check: check.trim(), ...checkCondition(parseCondition(check), stages) }));
  });
  return { gates, problems };
}

/** Returns the problem that `read` throws, at its place within the value. */
export function problemOf(pointer: string, read: () => unknown): ValueProblem[] {
  try {
    read();
    return [];
  } catch (error) {
    if (!(error instanceof GateSyntaxError)) throw error;
    return [{ pointer, part: 'value', message: error.message, offset: error.offset }];
  }
}
