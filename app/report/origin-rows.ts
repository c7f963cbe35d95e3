import { pluralize } from './format.js';
import type { PipelineResult } from '../../workflows/protocol.js';

export interface OriginRow {
  name: string;
  value: string;
  /** A path or a digest. */
  code?: true;
}

/** Describes the processor or GPU, what its kernels depend on, the threads, and the precision of products if it is not float32. */
export function deviceText({ device, kernels, threads, precision }: PipelineResult['engine']): string {
  const parts = [`${device}${kernels === undefined ? '' : ` (${kernels})`}`, pluralize(threads, 'thread'), ...(precision === undefined ? [] : [`products in ${precision}`])];
  return parts.join(', ');
}

/** Rows on what computed a result, from which model, and where its files are. */
export function originRows({ engine, model, configDigest, checkpoint, mask, proof, lock }: PipelineResult): OriginRow[] {
  const code = (name: string, value: string): OriginRow => ({ name, value, code: true });
  return [
    { name: 'engine', value: `${engine.backend}, ${engine.version}` },
    { name: 'device', value: deviceText(engine) },
    code('model digest', model.digest),
    code('pipeline digest', configDigest),
    code('checkpoint', checkpoint),
    ...(mask === '' ? [] : [code('mask', mask), code('proof', proof)]),
    ...(lock === undefined ? [] : [code('lock', lock)]),
  ];
}
