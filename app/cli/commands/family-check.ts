import { exitCode } from '../exit-codes.js';
import type { FamilyCheck } from '../family/check.js';
import { setUpOnFirstUse } from '../first-use.js';
import type { GlobalOptions } from '../options.js';
import { printJson } from '../output.js';

/**
 * `family check FOLDER`: reports the tensors and keys of a model folder that its family does not read, and how far its logits are from
 * those in `expected.safetensors`.
 * @returns the exit code: 1 if tensors are missing or logits differ
 */
export async function familyCheckCommand(folder: string, { json }: GlobalOptions): Promise<number> {
  await setUpOnFirstUse();
  const { checkFamily } = await import('../family/check.js');
  const check = await checkFamily(folder, { backend: 'auto' });
  if (json) printJson(check);
  else process.stdout.write(checkText(folder, check));
  const good = check.missing.length === 0 && (check.logits === undefined || check.logits.error <= check.logits.limit);
  return good ? exitCode.done : exitCode.runFailed;
}

/** Formats the check for people. */
function checkText(folder: string, { family, layers, missing, unused, unread, logits }: FamilyCheck): string {
  const listed = (what: string, names: readonly string[]): string => (names.length === 0 ? `${what}: none` : `${what}: ${names.length}\n${names.map((name) => `  ${name}`).join('\n')}`);
  const verdict = logits === undefined
    ? missing.length > 0 ? 'logits: not computed, because tensors are missing' : 'logits: not compared, because the folder has no expected.safetensors (tools/family/make-reference.py)'
    : `logits: ${logits.error.toExponential(1)} standard deviations from expected.safetensors; ${logits.error <= logits.limit ? 'good' : `wrong, because rounding explains at most ${logits.limit}`}`;
  return `${[`${folder}: ${family}, ${layers} layers`, listed('missing tensors', missing), listed('unused tensors', unused), listed('unread keys of config.json', unread), verdict].join('\n')}\n`;
}
