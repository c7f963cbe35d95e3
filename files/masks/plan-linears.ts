import { list, type Checkpoint } from '../checkpoints/index.js';
import { MaskMismatchError } from './errors.js';
import { nameFinder } from './layers.js';
import type { MaskFile } from './mask-file.js';
import { packedBytes } from './packed-mask.js';
import { isLinear, prunableTensors, type LinearInfo } from './prunable.js';
import { checkPadding, checkSize } from './prove-mask.js';
import type { Violations } from './violations.js';

/** A linear of a checkpoint to examine. */
export interface PlannedLinear {
  info: LinearInfo;
  /** Reads the packed bits of its mask, which have the right length; undefined if there is no mask. */
  readBits: (() => Promise<Uint8Array>) | undefined;
}

/**
 * Returns the pruned tensors of a checkpoint, by their names in it: those in the mask, or without a mask those that look prunable.
 * A linear of the mask that does not match the checkpoint is a violation and is left out.
 *
 * @throws NothingPrunableError if there is no mask and no tensor looks prunable
 * @throws MaskMismatchError if no linear of the mask matches the checkpoint
 */
export function planLinears(checkpoint: Checkpoint, mask: MaskFile | undefined, violations: Violations): Map<string, PlannedLinear> {
  if (mask === undefined) return new Map(prunableTensors(checkpoint).map((info) => [info.name, { info, readBits: undefined }]));
  const inCheckpoint = nameFinder(checkpoint.tensors);
  const planned = new Map<string, PlannedLinear>();
  for (const { name, shape, bytes } of mask.linears) {
    const info = inCheckpoint(name);
    if (info === undefined) {
      violations.add({ kind: 'tensor-missing', tensor: name, file: checkpoint.folder, found: 'the mask has it, the checkpoint does not', expected: 'a checkpoint of the model that the mask was made for' });
    } else if (!isLinear(info) || (shape !== undefined && (shape[0] !== info.shape[0] || shape[1] !== info.shape[1]))) {
      const wanted = shape === undefined ? 'a matrix' : `[${shape.join(', ')}]`;
      violations.add({ kind: 'shape', tensor: info.name, found: `[${info.shape.join(', ')}] of ${info.dtype} in the checkpoint`, expected: `${wanted} of F32, F16 or BF16, as the mask says` });
    } else if (checkSize({ name: info.name, shape: info.shape, bits: { length: bytes } }, violations)) {
      planned.set(info.name, { info, readBits: () => readChecked(mask, name, info, violations) });
    }
  }
  if (planned.size === 0) {
    throw new MaskMismatchError({
      what: `none of its ${mask.linears.length} linears fits the checkpoint ${checkpoint.folder}`, where: mask.path,
      expected: `tensors such as ${list([...checkpoint.tensors.values()].filter(isLinear).slice(0, 3).map(({ name, shape }) => `${name} [${shape.join(', ')}], ${packedBytes(shape)} bytes of mask`))}`,
      remedy: 'Give the mask that was made for this model',
    });
  }
  return planned;
}

async function readChecked(mask: MaskFile, name: string, info: LinearInfo, violations: Violations): Promise<Uint8Array> {
  const bits = await mask.readBits(name);
  checkPadding({ name: info.name, shape: info.shape, bits }, violations);
  return bits;
}
