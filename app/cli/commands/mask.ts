import { Option, type Command } from 'commander';
import { PermanentFault } from '../../../errors/fault.js';
import { reportError } from '../report-error.js';
import { exitCode } from '../exit-codes.js';
import { globalOptions, type GlobalOptions } from '../options.js';
import type { MaskApplyOptions } from './mask-apply.js';
import type { MaskComposeOptions } from './mask-compose.js';
import type { MaskDiffOptions } from './mask-diff.js';
import type { MaskInfoOptions } from './mask-info.js';
import type { MaskVerifyOptions } from './mask-verify.js';

/** Adds the commands of `mask`. None of them needs a server, a state folder or TensorFlow. */
export function addMaskCommands(mask: Command, onExit: (code: number) => void): void {
  const add = (name: string, description: string): Command => mask.command(name).description(description).copyInheritedSettings(mask);

  add('verify <checkpoint|mask>', 'prove that a pruned checkpoint or a mask file is correct, whichever tool wrote it')
    .option('--mask <file>', "the checkpoint's mask (default: mask.safetensors beside it, where a run wrote it)")
    .option('--model <folder>', 'the dense model: kept weights and all other tensors are compared with it (default: the one that the run used)')
    .option('--no-model', 'do not compare with a model')
    .option('--pattern <N:M>', 'the pattern that every linear must follow (default: the one that the mask states, else the one that is found)')
    .addOption(new Option('--values <which>', 'what kept weights must be (default: what the mask states)').choices(['dense', 'updated']))
    .option('--linears', 'a line for every linear', false)
    .addHelpText('after', examples([
      ['mask verify .llm-barber/runs/demo-1f0c/checkpoint', 'a run: mask, proof and model are found'],
      ['mask verify ./pruned --pattern 2:4', 'any checkpoint'],
      ['mask verify ./pruned --mask mask.safetensors --model ./dense', 'everything that can be proved'],
    ], 'Exit code: 0 correct, 1 not correct, 2 a file or the command line is wrong.'))
    .action(async (target: string, own: MaskVerifyOptions, command: Command) => {
      await guarded(command, onExit, async (options) => (await import('./mask-verify.js')).maskVerifyCommand(target, own, options));
    });
  add('info <checkpoint|mask>', 'show sparsity and pattern of a mask file or a pruned checkpoint, layer by layer')
    .option('--model <folder>', 'the model, for a mask file without shapes')
    .option('--linears', 'a line for every linear', false)
    .addHelpText('after', examples([['mask info mask.safetensors', '']]))
    .action(async (target: string, own: MaskInfoOptions, command: Command) => {
      await guarded(command, onExit, async (options) => (await import('./mask-info.js')).maskInfoCommand(target, own, options));
    });
  add('diff <a> <b>', 'compare two masks, each a mask file or a pruned checkpoint: weights grown, pruned, Jaccard index of the kept ones')
    .option('--linears', 'a line for every linear', false)
    .addHelpText('after', examples([['mask diff initial.safetensors rebuilt.safetensors', ''], ['mask diff ./wanda ./sparsegpt --linears', 'two checkpoints']]))
    .action(async (a: string, b: string, own: MaskDiffOptions, command: Command) => {
      await guarded(command, onExit, async (options) => (await import('./mask-diff.js')).maskDiffCommand(a, b, own, options));
    });
  add('apply <mask>', 'recreate the pruned checkpoint from its mask and the dense model, byte for byte')
    .requiredOption('--model <folder>', 'the dense model')
    .requiredOption('--out <folder>', 'the checkpoint to write')
    .option('--overwrite', 'write into a folder that is not empty', false)
    .option('--any-model', 'accept a mask that was made for a model with another digest', false)
    .option('--dense-values', 'apply the mask of a checkpoint with updated weights to the dense weights', false)
    .addHelpText('after', examples([['mask apply mask.safetensors --model ./dense --out ./pruned', '']]))
    .action(async (file: string, own: MaskApplyOptions, command: Command) => {
      await guarded(command, onExit, async (options) => (await import('./mask-apply.js')).maskApplyCommand(file, own, options));
    });
  add('compose <sources...>', 'combine several mask files or pruned checkpoints into one mask; a single checkpoint gives its mask')
    .addOption(new Option('--keep <which>', 'a weight stays if all masks keep it, or if any of them does').choices(['all', 'any']))
    .requiredOption('--out <file>', 'the mask file to write')
    .option('--model <folder>', 'the model, for mask files without shapes')
    .option('--overwrite', 'replace an existing file', false)
    .option('--any-model', 'accept masks that were made for models with different digests', false)
    .addHelpText('after', examples([
      ['mask compose a.safetensors b.safetensors --keep any --out either.safetensors', ''],
      ['mask compose ./pruned --out mask.safetensors', 'the mask of a checkpoint'],
    ]))
    .action(async (sources: string[], own: MaskComposeOptions, command: Command) => {
      await guarded(command, onExit, async (options) => (await import('./mask-compose.js')).maskComposeCommand(sources, own, options));
    });
}

/** Here a wrong file is wrong input, not a failed run. */
async function guarded(command: Command, onExit: (code: number) => void, run: (options: GlobalOptions) => Promise<number>): Promise<void> {
  const options = globalOptions(command);
  try {
    onExit(await run(options));
  } catch (error) {
    const code = await reportError(error, options);
    onExit(error instanceof PermanentFault ? exitCode.wrongInput : code);
  }
}

function examples(lines: readonly (readonly [string, string])[], after = ''): string {
  const width = Math.max(...lines.map(([line]) => line.length));
  const text = lines.map(([line, comment]) => `  temporal-pipeline ${comment === '' ? line : `${line.padEnd(width)}   # ${comment}`}`);
  return ['', `Example${lines.length === 1 ? '' : 's'}:`, ...text, ...(after === '' ? [] : ['', after])].join('\n');
}
