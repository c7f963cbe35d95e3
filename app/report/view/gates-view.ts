import type { GateResult } from '../../../workflows/protocol.js';

/**
 * How far each gate's number lies on the good side of its limit, as a share of the limit; negative where the gate failed. Undefined where a
 * number is missing, where the limit is 0, and where the gate asks for nearness.
 */
export function gateMargins(gates: readonly GateResult[]): (number | undefined)[] {
  return gates.map(({ comparison, limit, found }) => {
    if (limit === null || found === null || limit === 0) return undefined;
    if (comparison === '<=' || comparison === '<') return (limit - found) / Math.abs(limit);
    return comparison === '>=' || comparison === '>' ? (found - limit) / Math.abs(limit) : undefined;
  });
}
