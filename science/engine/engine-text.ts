import type { Engine } from './open.js';

/** Describes an engine. Engines with the same description give the same bits. */
export function engineText({ backend, version, device, kernels, threads, precision }: Engine): string {
  return `${backend} (${[version, device, ...(kernels === undefined ? [] : [kernels]), `${threads} threads`, ...(precision === undefined ? [] : [precision])].join(', ')})`;
}
