import { basename, dirname, join, resolve } from 'node:path';
import type { CheckpointFacts } from './examine-checkpoint.js';
import type { MaskFacts } from './examine-mask.js';
import type { FileFacts, LinearFacts } from './facts.js';
import { nameFinder } from './layers.js';
import type { Proof } from './proof-file.js';
import type { Violation } from './violations.js';

/**
 * Returns the differences between a checkpoint and its proof: tensors and masks by name, then files. Tensors that already have a
 * violation are not listed again.
 */
export function compareWithProof(facts: CheckpointFacts, proof: Proof, proofFile: string): Violation[] {
  const named = new Set(facts.violations.listed.map(({ tensor }) => tensor));
  const compared = new Set(facts.violations.listed.filter(({ kind }) => kind === 'kept-changed').map(({ tensor }) => tensor));
  const zeros = keptZerosThatCame(facts.linears, proof).filter(({ tensor }) => !compared.has(tensor));
  for (const { tensor } of zeros) named.add(tensor);
  const tensors = Object.entries(proof.tensors).filter(([name, sha256]) => facts.tensors[name] !== sha256 && !named.has(name));
  return [
    ...zeros,
    ...tensors.map(([tensor, sha256]): Violation => ({ kind: 'digest', tensor, ...digestText(facts.tensors[tensor], sha256, 'its values have') })),
    ...(facts.mask === undefined ? [] : [...changedMasks(facts.linears, proof), ...changedMaskFile(facts.mask, proof)]),
    ...changedFiles(facts.files, proof.files, proofFile),
  ];
}

/** Returns the differences between a mask file and the proof. */
export function compareMaskWithProof({ linears, mask }: MaskFacts, proof: Proof): Violation[] {
  return [...changedMasks(linears, proof), ...changedMaskFile(mask, proof)];
}

function inProof({ linears }: Proof): (name: string) => LinearFacts | undefined {
  return nameFinder(linears.map((linear) => [linear.name, linear] as const));
}

function changedMasks(linears: readonly LinearFacts[], proof: Proof): Violation[] {
  const before = inProof(proof);
  return linears.flatMap(({ name, zeros, maskSha256 }) => {
    const then = before(name);
    if (then === undefined || then.maskSha256 === maskSha256) return [];
    const text = digestText(maskSha256, then.maskSha256, `its mask prunes ${zeros} weights and has`);
    return [{ kind: 'digest', tensor: name, found: text.found, expected: `${then.zeros} and ${text.expected}` }];
  });
}

/** Compares only the digest, because the file may have been copied elsewhere. */
function changedMaskFile(now: FileFacts, { mask: then }: Proof): Violation[] {
  if (then === undefined || then.sha256 === now.sha256) return [];
  return [{ kind: 'digest', file: basename(now.file), ...digestText(now.sha256, then.sha256, 'the file has') }];
}

function changedFiles(files: readonly FileFacts[], before: readonly FileFacts[], proofFile: string): Violation[] {
  const folder = dirname(resolve(proofFile));
  const now = new Map(files.map((file) => [file.file, file]));
  return before.flatMap(({ file, sha256 }) => {
    const found = now.get(join(folder, file))?.sha256;
    return found === sha256 ? [] : [{ kind: 'digest', file: basename(file), ...digestText(found, sha256, 'the file has') }];
  });
}

function digestText(now: string | undefined, then: string, subject: string): Pick<Violation, 'found' | 'expected'> {
  return { found: now === undefined ? 'not found' : `${subject} SHA-256 ${now}`, expected: `${then}, as when it was proved` };
}

/** Linears in which the number of kept weights that are zero has changed, with the position of a new one if known. */
function keptZerosThatCame(linears: readonly LinearFacts[], proof: Proof): Violation[] {
  const before = inProof(proof);
  return linears.flatMap(({ name, keptZeros }): Violation[] => {
    const then = before(name)?.keptZeros;
    if (keptZeros === undefined || then === undefined || keptZeros.count === then.count) return [];
    const known = new Set(then.first.map(String));
    const fresh = keptZeros.first.find((position) => !known.has(String(position)));
    return [{
      kind: 'kept-zeros', tensor: name, ...(fresh === undefined ? {} : { position: fresh }),
      found: fresh === undefined ? `${keptZeros.count} kept weights are 0` : `a kept weight is 0, one of ${keptZeros.count}`,
      expected: `${then.count === 0 ? 'no' : then.count} kept weights that are 0, as when it was proved`,
    }];
  });
}
