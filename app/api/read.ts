import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { openMaskFile, readPackedMask, readProof, type MaskMetadata, type Shape } from '../../files/masks/index.js';
import type { PipelineResult } from '../../workflows/protocol.js';

export { readProof };

/** A linear in a mask file. */
export interface MaskedLinear {
  name: string;
  /** `[out, in]` */
  shape: Shape;
  /** One byte per weight, row by row: 1 is kept, 0 is pruned. */
  kept: Uint8Array;
}

/** A mask file. */
export interface Mask {
  /** The file's own description of its content. */
  metadata: MaskMetadata;
  /** Names of the linears, ordered by layer. */
  names: readonly string[];
  /** Reads one linear, so the whole mask need not fit into memory. @throws MaskFileError if no linear has that name */
  read(name: string): Promise<MaskedLinear>;
}

/** Reads the result of a run from its output folder: `result.json` beside `report.md`. */
export async function readResult(folder: string): Promise<PipelineResult> {
  return JSON.parse(await readFile(path.join(folder, 'result.json'), 'utf8')) as PipelineResult;
}

/**
 * Opens a mask file, for example `mask.safetensors` of a run's folder.
 * @throws MaskFileError
 */
export async function readMask(file: string): Promise<Mask> {
  const opened = await openMaskFile(file);
  const read = async (name: string): Promise<MaskedLinear> => {
    const entry = opened.linears.find((linear) => linear.name === name) ?? { name, shape: undefined, bytes: 0 };
    const { shape, bits } = await readPackedMask(opened, entry);
    return { name, shape, kept: unpacked(bits, shape[0] * shape[1]) };
  };
  return { metadata: opened.metadata, names: opened.linears.map(({ name }) => name), read };
}

function unpacked(bits: Uint8Array, weights: number): Uint8Array {
  return Uint8Array.from({ length: weights }, (_, i) => (bits[i >>> 3] >>> (i & 7)) & 1);
}
