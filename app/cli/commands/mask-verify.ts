import {
  compareMaskWithProof, compareWithProof, examineCheckpoint, examineMask, listedViolations, positionText, prunedLinears, violationText,
  type CheckpointFacts, type MaskFacts, type Violation,
} from '../../../files/masks/index.js';
import { formatInteger } from '../../report/index.js';
import { CommandLineError } from '../errors.js';
import { exitCode } from '../exit-codes.js';
import { findCompanions, type Companions } from '../mask/companions.js';
import { layerTable } from '../mask/linear-tables.js';
import { progressLine } from '../mask/progress.js';
import { labelled } from '../text-table.js';
import type { GlobalOptions } from '../options.js';
import { printJson } from '../output.js';

export interface MaskVerifyOptions {
  mask?: string;
  /** `false`: do not look for a model. */
  model?: string | false;
  pattern?: string;
  values?: 'dense' | 'updated';
  linears: boolean;
}

/** The findings, for a checkpoint or for a mask file alone. */
interface Verdict {
  facts: CheckpointFacts | MaskFacts;
  count: number;
  listed: readonly Violation[];
}

/**
 * `mask verify CHECKPOINT|MASK`: checks that it is correct, and if not, says which tensor is wrong and where.
 * @returns the exit code: 0 correct, 1 not
 * @throws CommandLineError, and what `examineCheckpoint` and `examineMask` throw for unusable files
 */
export async function maskVerifyCommand(target: string, own: MaskVerifyOptions, { json }: GlobalOptions): Promise<number> {
  const companions = await findCompanions(target, own);
  const verdict = await examine(companions, own);
  const holds = verdict.count === 0;
  if (json) printJson(asJson(verdict, companions));
  else process.stdout.write(asText(verdict, companions, own.linears));
  return holds ? exitCode.done : exitCode.runFailed;
}

async function examine({ checkpoint, mask, model, proof }: Companions, { mask: given, pattern, values }: MaskVerifyOptions): Promise<Verdict> {
  if (checkpoint === undefined) {
    if (given !== undefined || values !== undefined) {
      throw new CommandLineError({ what: `${given === undefined ? '--values' : '--mask'} needs a checkpoint`, expected: 'the folder of a checkpoint, not a mask file', remedy: 'Give the folder first, and the mask with --mask' });
    }
    const facts = await examineMask({ maskFile: mask ?? '', model: model?.folder, pattern });
    return withChanges(facts, proof === undefined ? [] : compareMaskWithProof(facts, proof.proof));
  }
  const progress = progressLine('reading');
  try {
    const facts = await examineCheckpoint({
      checkpoint, maskFile: mask, source: model?.folder, sourceDigest: model?.digest, pattern, values, onProgress: progress.update,
    });
    return withChanges(facts, proof === undefined ? [] : compareWithProof(facts, proof.proof, proof.path));
  } finally {
    progress.end();
  }
}

function withChanges(facts: CheckpointFacts | MaskFacts, changes: readonly Violation[]): Verdict {
  const { count, listed } = facts.violations;
  return { facts, count: count + changes.length, listed: [...listed, ...changes].slice(0, listedViolations) };
}

function asJson({ facts, count, listed }: Verdict, { proof }: Companions): object {
  const { violations: _, ...rest } = facts;
  const violations = listed.map((violation) => ({ ...violation, text: violationText(violation) }));
  return { holds: count === 0, violationCount: count, violations, proof: proof?.path, ...rest };
}

function asText({ facts, count, listed }: Verdict, companions: Companions, linears: boolean): string {
  const { checkpoint, model, proof, found: wasFound } = companions;
  const isCheckpoint = 'checkpoint' in facts;
  const found = [
    ...(checkpoint === undefined ? [] : [['checkpoint', checkpoint] as const]),
    facts.mask === undefined
      ? ['mask', 'none: every zero counts as pruned, and its position is not checked (--mask FILE checks it)'] as const
      : ['mask', `${facts.mask.file}${wasFound.mask ? ' (found next to the checkpoint)' : ''}`] as const,
    ...(proof === undefined ? [] : [['proof', `${proof.path} (found; digests are compared with it)`] as const]),
    ...(isCheckpoint ? [['model', model === undefined ? 'none: kept weights are not compared with the dense ones (--model FOLDER compares them)' : sourceText(facts, wasFound.model)] as const] : []),
  ];
  const problems = listed.map((violation) => `  ${violationText(violation)}\n`).join('') + (count > listed.length ? `  and ${formatInteger(count - listed.length)} more\n` : '');
  const verdict = count === 0
    ? `Correct: ${claim(facts, companions)}.\n`
    : `Not correct: ${formatInteger(count)} violation${count === 1 ? '' : 's'}.\n${problems}`;
  return `${labelled(found)}\n${layerTable(facts.linears, { showLinears: linears })}\n${notes(facts)}${verdict}`;
}

function sourceText({ source, values }: CheckpointFacts, wasFound: boolean): string {
  const compared = values === 'dense' ? 'every weight is compared with it' : 'everything but the kept weights is compared with it';
  return `${source?.folder ?? ''} (${wasFound ? 'named by the result of the run; ' : ''}${compared})`;
}

/** Facts worth knowing that violate nothing. */
function notes(facts: CheckpointFacts | MaskFacts): string {
  const dense = facts.linears.length - prunedLinears(facts.linears).length;
  const zero = facts.linears.find(({ keptZeros }) => keptZeros !== undefined && keptZeros.count > 0);
  const lines = [
    ...(dense > 0 ? [`${dense} of ${facts.linears.length} linears are not pruned.`] : []),
    ...(zero === undefined ? [] : [`Kept weights that are zero: ${formatInteger(facts.keptZeros ?? 0)}; the first is ${zero.name}, ${positionText(zero.keptZeros?.first[0] ?? [])}.`]),
    ...((facts.changed ?? 0) > 0 ? [`Kept weights that differ from the dense model's: ${formatInteger(facts.changed ?? 0)}.`] : []),
  ];
  return lines.map((line) => `${line}\n`).join('') + (lines.length === 0 ? '' : '\n');
}

function claim(facts: CheckpointFacts | MaskFacts, { proof }: Companions): string {
  const { pattern } = facts;
  const parts = [
    ...('checkpoint' in facts ? ['no NaN, no infinity'] : []),
    ...('checkpoint' in facts && facts.mask !== undefined ? ['zero wherever the mask prunes'] : []),
    ...(pattern === 'unstructured' || pattern === 'mixed' ? [] : [`${pattern} in every group`]),
    ...('source' in facts && facts.source !== undefined ? [facts.values === 'dense' ? 'all else as in the dense model' : 'other tensors as in the dense model'] : []),
    ...(proof === undefined ? [] : ['files unchanged since they were proved']),
  ];
  return parts.length === 0 ? 'one bit for each weight; the file claims nothing else' : parts.join(', ');
}
