import type { Engine } from './open.js';

/** An engine in words. Two that read alike give the same bits. */
export function engineText({ backend, version, device, kernels, threads, precision }: Engine): string {
  return `${backend} (${[version, device, ...(kernels === undefined ? [] : [kernels]), `${threads} threads`, ...(precision === undefined ? [] : [precision])].join(', ')})`;
}
