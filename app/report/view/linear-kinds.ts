/** Linears of a decoder layer, by the last part of their names. */
import { shortName } from '../../../files/masks/index.js';

/** As a weight meets them on its way through a layer. */
const order = ['q_proj', 'k_proj', 'v_proj', 'o_proj', 'out_proj', 'gate_proj', 'up_proj', 'down_proj', 'fc1', 'fc2'];

/** Its last part; of an expert with the word before it, without the expert's number. */
export function kindOf(name: string): string {
  const parts = shortName(name).split('.');
  const experts = parts.find((part) => /experts?$/.test(part));
  return [...(experts === undefined ? [] : [experts]), parts.at(-1) ?? name].join('.');
}

/** For narrow columns: `q` for `q_proj`. */
export const shortKind = (kind: string): string => kind.replace(/_proj$/, '');

/** Each once; those that are not known come last. */
export function sortedKinds(kinds: readonly string[]): string[] {
  const present = new Set(kinds);
  return [...order.filter((kind) => present.has(kind)), ...[...present].filter((kind) => !order.includes(kind))];
}
