/** Kinds of linears in a decoder layer, from the last part of their names. */
import { shortName } from '../../../files/masks/index.js';

/** In the order in which data flows through a layer. */
const order = ['q_proj', 'k_proj', 'v_proj', 'o_proj', 'out_proj', 'gate_proj', 'up_proj', 'down_proj', 'fc1', 'fc2'];

/** The index of a linear's expert; undefined if it is not an expert's. */
export function expertOf(name: string): string | undefined {
  return /(?:^|\.)experts\.(\d+)\./.exec(name)?.[1];
}

/** The last part of a linear's name. For an expert, preceded by the word for experts, without the expert's number. */
export function kindOf(name: string): string {
  const parts = shortName(name).split('.');
  const experts = parts.find((part) => /experts?$/.test(part));
  return [...(experts === undefined ? [] : [experts]), parts.at(-1) ?? name].join('.');
}

/** A short form for narrow columns: `q` for `q_proj`. */
export const shortKind = (kind: string): string => kind.replace(/_proj$/, '');

/** Each kind once, in order; unknown kinds come last. */
export function sortedKinds(kinds: readonly string[]): string[] {
  const present = new Set(kinds);
  return [...order.filter((kind) => present.has(kind)), ...[...present].filter((kind) => !order.includes(kind))];
}
