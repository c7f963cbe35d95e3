import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { openCheckpoint } from '../../../files/checkpoints/index.js';
import { isFolder, modelDigest, readProof, type Proof } from '../../../files/masks/index.js';

/** The files that belong to a checkpoint or a mask, given by a person or found in the folder of its run. */
export interface Companions {
  /** Folder of the checkpoint, or undefined if a mask file was given. */
  checkpoint: string | undefined;
  mask: string | undefined;
  /** The dense model. Has a digest if it was found. */
  model: { folder: string; digest?: string } | undefined;
  proof: { path: string; proof: Proof } | undefined;
  /** Which of them were found rather than given. */
  found: { mask: boolean; model: boolean };
}

export interface GivenCompanions {
  mask?: string | undefined;
  /** `false`: use none, even if one could be found. */
  model?: string | false | undefined;
}

/**
 * Finds mask, dense model and proof for the folder of a checkpoint, the folder of a run, or a mask file. A proof counts only if it names
 * this checkpoint or mask. The other files count only beside such a proof, or beside a folder called `checkpoint`, as a run writes it. A
 * model that has changed since the run is not used.
 *
 * @throws MaskFileError if there is no such file or folder @throws ProofFileError
 */
export async function findCompanions(target: string, given: GivenCompanions): Promise<Companions> {
  const givenModel = given.model === undefined || given.model === false ? undefined : { folder: given.model };
  if (!(await isFolder(target))) {
    const mask = resolve(target);
    const proof = await proofIn(dirname(mask), ({ mask: its }) => its?.file === basename(mask));
    return { checkpoint: undefined, mask, model: givenModel, proof, found: { mask: false, model: false } };
  }
  const folder = resolve(target);
  const inside = join(folder, 'checkpoint');
  const checkpoint = !existsSync(join(folder, 'config.json')) && existsSync(inside) ? inside : folder;
  const parent = dirname(checkpoint);
  const proof = await proofIn(parent, ({ checkpoint: its }) => resolve(parent, its) === checkpoint);
  const isRun = proof !== undefined || basename(checkpoint) === 'checkpoint';
  const mask = isRun && given.mask === undefined ? maskIn(parent, proof?.proof) : undefined;
  const model = isRun && given.model === undefined ? await modelOfRun(parent) : undefined;
  return {
    checkpoint, mask: mask ?? given.mask, model: model ?? givenModel, proof,
    found: { mask: mask !== undefined, model: model !== undefined },
  };
}

async function proofIn(folder: string, speaksOfIt: (proof: Proof) => boolean): Promise<Companions['proof']> {
  const path = join(folder, 'proof.json');
  if (!existsSync(path)) return undefined;
  const proof = await readProof(path);
  return speaksOfIt(proof) ? { path, proof } : undefined;
}

function maskIn(folder: string, proof: Proof | undefined): string | undefined {
  const path = join(folder, proof?.mask?.file ?? 'mask.safetensors');
  return existsSync(path) ? path : undefined;
}

/** Returns the dense model that the result of a run names, if it is still there and unchanged. */
async function modelOfRun(folder: string): Promise<{ folder: string; digest: string } | undefined> {
  try {
    const { model } = JSON.parse(await readFile(join(folder, 'result.json'), 'utf8')) as { model: { source: string; digest: string } };
    const digest = await modelDigest(await openCheckpoint(model.source));
    return digest === model.digest ? { folder: model.source, digest } : undefined;
  } catch {
    // The model only adds to what can be proved. Without a result or a model, verification continues.
    return undefined;
  }
}
