import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { writeSafetensors, type TensorData } from '../checkpoints/index.js';
import { commonShape } from './diff-masks.js';
import { MaskMismatchError, OutputExistsError } from './errors.js';
import { countLinear, totalsOf, type LinearFacts, type Totals } from './facts.js';
import { nameFinder } from './layers.js';
import { bitOrder, type MaskMetadata } from './mask-file.js';
import type { MaskSource, SourceMask } from './mask-source.js';
import { detectNM, patternText, tallyAll } from './pattern.js';
import { Violations } from './violations.js';

export interface ComposeRequest {
  sources: readonly MaskSource[];
  /** Keep a weight if `all` masks keep it, or if `any` mask does. */
  keep: 'all' | 'any';
  /** The mask file to write. */
  target: string;
  overwrite?: boolean;
  /** Accept masks that were made for different models. */
  anyModel?: boolean;
}

/**
 * Writes a mask that combines several. With one source, it turns the mask of a pruned checkpoint into a file. The pattern is
 * detected again and must hold exactly. The metadata has `values: dense` only if all sources have it.
 *
 * @throws OutputExistsError, MaskMismatchError
 */
export async function composeMasks({ sources, keep, target, overwrite = false, anyModel = false }: ComposeRequest): Promise<Totals & { linears: readonly LinearFacts[] }> {
  if (sources.some(({ path }) => resolve(path) === resolve(target)) || (existsSync(target) && !overwrite)) {
    throw new OutputExistsError({ what: 'the file already exists', where: target, remedy: 'Choose another --out, or replace it with --overwrite' });
  }
  const [first, ...others] = sources;
  checkTogether(first, others, anyModel);
  const tensors: TensorData[] = [];
  const shapes: [string, readonly number[]][] = [];
  const linears: LinearFacts[] = [];
  for (const name of first.names) {
    const mask = await composeLinear(name, first, others, keep);
    tensors.push({ name, dtype: 'U8', shape: [mask.bits.length], data: mask.bits });
    if (mask.shapeKnown) shapes.push([name, mask.shape]);
    const pattern = patternText(detectNM(tallyAll(mask).filter(({ groups, byKept }) => byKept.includes(groups)), 'exactly'));
    linears.push({ ...countLinear(mask, { stated: 'unstructured', strictness: 'exactly' }, new Violations()), pattern });
  }
  const totals = totalsOf(linears);
  const metadata = { pattern: totals.pattern === 'mixed' ? 'unstructured' : totals.pattern, ...commonMetadata(sources) };
  await writeSafetensors(target, tensors, {
    format: 'mask', bits: bitOrder, ...(shapes.length === tensors.length ? { shapes: JSON.stringify(Object.fromEntries(shapes)) } : {}), ...metadata,
  });
  return { ...totals, linears };
}

async function composeLinear(name: string, first: MaskSource, others: readonly MaskSource[], keep: 'all' | 'any'): Promise<SourceMask> {
  let mask = await first.read(name);
  for (const source of others) {
    const other = await source.read(nameFinder(source.names.map((its) => [its, its] as const))(name) ?? name);
    const { shape, shapeKnown } = commonShape(mask, other, source.path);
    const bits = mask.bits.map((byte, i) => (keep === 'all' ? byte & other.bits[i] : byte | other.bits[i]));
    mask = { name, shape, shapeKnown, bits };
  }
  return mask;
}

function checkTogether(first: MaskSource, others: readonly MaskSource[], anyModel: boolean): void {
  for (const other of others) {
    const inOther = nameFinder(other.names.map((name) => [name, name] as const));
    const missing = first.names.find((name) => inOther(name) === undefined);
    if (missing !== undefined || first.names.length !== other.names.length) {
      throw new MaskMismatchError({
        what: `it has ${other.names.length} linears${missing === undefined ? '' : `, and none named ${missing}`}`, where: other.path,
        expected: `the ${first.names.length} of ${first.path}`, remedy: 'Compose masks of one model',
      });
    }
  }
  const digests = new Set([first, ...others].map(({ metadata }) => metadata.model).filter((digest) => digest !== undefined));
  if (digests.size > 1 && !anyModel) {
    throw new MaskMismatchError({
      what: `they were made for models with different digests: ${[...digests].join(', ')}`, expected: 'masks of one model', remedy: 'Continue anyway with --any-model',
    });
  }
}

/** The metadata that is the same in all sources. */
function commonMetadata(sources: readonly MaskSource[]): Record<string, string> {
  const common = (key: keyof MaskMetadata): string | undefined => {
    const said = new Set(sources.map(({ metadata }) => metadata[key]));
    return said.size === 1 ? [...said][0] : undefined;
  };
  const model = common('model');
  return { ...(model === undefined ? {} : { model }), ...(common('values') === 'dense' ? { values: 'dense' } : {}) };
}
