import { existsSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { isFolder, readProof, type Proof } from '../../masks/index.js';

/** What lies beside a checkpoint or a mask in the folder of a run. */
export interface Companions {
  /** Folder of the checkpoint, or undefined where a mask file was given. */
  checkpoint: string | undefined;
  mask: string | undefined;
  /** Found, not given. */
  maskFound: boolean;
  proof: { path: string; proof: Proof } | undefined;
}

/**
 * Finds mask and proof of what a person points at: the folder of a checkpoint, of a run, or a mask file. Only a proof that speaks
 * of this checkpoint or mask counts; and a mask that was not given only beside such a proof, or beside a folder called `checkpoint`.
 *
 * @throws MaskFileError if there is no such file or folder @throws ProofFileError
 */
export async function findCompanions(target: string, maskOption: string | undefined): Promise<Companions> {
  if (!(await isFolder(target))) {
    const file = resolve(target);
    const proof = await proofIn(dirname(file), ({ mask }) => mask?.file === basename(file));
    return { checkpoint: undefined, mask: file, maskFound: false, proof };
  }
  const folder = resolve(target);
  const inside = join(folder, 'checkpoint');
  const checkpoint = !existsSync(join(folder, 'config.json')) && existsSync(inside) ? inside : folder;
  const parent = dirname(checkpoint);
  const proof = await proofIn(parent, ({ checkpoint: its }) => resolve(parent, its) === checkpoint);
  const beside = join(parent, proof?.proof.mask?.file ?? 'mask.safetensors');
  const belongs = proof === undefined ? basename(checkpoint) === 'checkpoint' : proof.proof.mask !== undefined;
  const maskFound = maskOption === undefined && belongs && existsSync(beside);
  return { checkpoint, mask: maskFound ? beside : maskOption, maskFound, proof };
}

async function proofIn(folder: string, speaksOfIt: (proof: Proof) => boolean): Promise<Companions['proof']> {
  const path = join(folder, 'proof.json');
  if (!existsSync(path)) return undefined;
  const proof = await readProof(path);
  return speaksOfIt(proof) ? { path, proof } : undefined;
}
