import type { GateResult } from '../../../workflows/protocol.js';

/**
 * Returns how far each gate's number is on the good side of its limit, as a share of the limit; negative if the gate failed. Undefined if a
 * number is missing, if the limit is 0, or if the gate asks for `within`.
 */
export function gateMargins(gates: readonly GateResult[]): (number | undefined)[] {
  return gates.map(({ comparison, limit, found }) => {
    if (limit === null || found === null || limit === 0) return undefined;
    if (comparison === '<=' || comparison === '<') return (limit - found) / Math.abs(limit);
    return comparison === '>=' || comparison === '>' ? (found - limit) / Math.abs(limit) : undefined;
  });
}
