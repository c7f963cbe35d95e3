import type { PipelineResult } from '../../workflows/protocol.js';

export interface OriginRow {
  name: string;
  value: string;
  /** A path or a digest. */
  code?: true;
}

/** What computed a result, of what, and where it lies. */
export function originRows({ engine, model, configDigest, checkpoint, mask, proof, lock }: PipelineResult): OriginRow[] {
  const code = (name: string, value: string): OriginRow => ({ name, value, code: true });
  return [
    { name: 'engine', value: `${engine.backend}, ${engine.version}` },
    { name: 'device', value: `${engine.device}${engine.kernels === undefined ? '' : ` (${engine.kernels})`}, ${engine.threads} ${engine.threads === 1 ? 'thread' : 'threads'}` },
    code('model digest', model.digest),
    code('pipeline digest', configDigest),
    code('checkpoint', checkpoint),
    ...(mask === '' ? [] : [code('mask', mask), code('proof', proof)]),
    ...(lock === undefined ? [] : [code('lock', lock)]),
  ];
}
