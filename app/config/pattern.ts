import { pointerOf } from './source-locations.js';
import type { ValueProblem } from './schema-problems.js';
import { allocationOf } from './stages.js';
import type { ReadStage } from './stages.js';

/** Returns N and M of an `N:M` pattern; undefined for any other value. */
export function parsePattern(pattern: unknown): { n: number; m: number } | undefined {
  const match = typeof pattern === 'string' ? /^(\d+):(\d+)$/.exec(pattern) : null;
  return match === null ? undefined : { n: Number(match[1]), m: Number(match[2]) };
}

/** Finds patterns that keep nothing or everything, and a sparsity that contradicts the pattern. */
export function checkPattern({ settings, path }: ReadStage, problems: ValueProblem[]): void {
  const nm = parsePattern(settings['pattern']);
  if (nm === undefined) return;
  if (nm.n < 1 || nm.n >= nm.m) {
    const message = `pattern "${nm.n}:${nm.m}" keeps ${nm.n} of every ${nm.m}; expected N:M with 1 <= N < M. Write for example \`pattern: "2:4"\`.`;
    problems.push({ pointer: pointerOf([...path, 'pattern']), part: 'value', message });
    return;
  }
  const allocation = allocationOf(settings);
  if (allocation !== undefined) {
    const message = `allocation by \`${allocation}\` with the pattern ${nm.n}:${nm.m}; expected none, since the pattern fixes the sparsity everywhere. Remove it, or give a \`sparsity\` instead of the pattern.`;
    problems.push({ pointer: pointerOf([...path, 'allocation']), part: 'key', causes: [pointerOf([...path, 'pattern'])], message });
  }
  const { sparsity } = settings;
  if (typeof sparsity === 'number' && Math.abs(sparsity - (1 - nm.n / nm.m)) > 1e-6) {
    const message = `\`sparsity\` is ${sparsity}; expected ${1 - nm.n / nm.m}, which follows from the pattern ${nm.n}:${nm.m}. Leave it out, or change the pattern.`;
    problems.push({ pointer: pointerOf([...path, 'sparsity']), part: 'value', causes: [pointerOf([...path, 'pattern'])], message });
  }
}
