import path from 'node:path';
import { packageRoot } from '#setup/paths.mjs';
import { relativePath } from '../../config/file-form.js';
import { commandText } from '../command-text.js';
import type { Answers, Goal, Model, Text } from './answers.js';
import { recipeFor, type Recipe } from './recipe.js';

/** Returns the text of a pipeline for these answers. @param file path of the pipeline; paths in the text are relative to its folder */
export function pipelineFor(answers: Answers, file: string): string {
  const folder = path.dirname(path.resolve(file));
  const here = (name: string): string => quoted(relativePath(path.resolve(name), folder));
  const recipe = recipeFor(answers);
  const command = (...words: string[]): string => commandText([...words, path.basename(file)]);
  return `# yaml-language-server: $schema=${relativePath(path.join(packageRoot, 'schemas', 'pipeline.schema.json'), folder)}
#
# Prunes ${nameOf(answers.model)} to ${goalText(answers.goal)}, on a machine of the kind \`${answers.machine}\`. Made by \`temporal-pipeline init\`.
#   ${command('validate', '--files')}
#   ${command('plan')}
#   ${command('run')}
# What a key means: \`npx temporal-pipeline explain KEY\`.
version: 1
name: ${runName(answers)}

model:
${modelLines(answers.model, here)}

stages:
  - calibration:                  # the text used to make and rebuild masks
      dataset: ${dataset(answers.text, here)}
      samples: ${recipe.samples}${' '.repeat(20 - String(recipe.samples).length)}# more windows: a better model, and more time
      sequenceLength: ${recipe.sequenceLength}

  - initialMask:
      method: wanda               # or magnitude, sparsegpt, admm
      ${goalLine(answers.goal)}

${rebuild(recipe, answers.goal)}
  - evaluation:                   # the model before pruning, after it, and after the rebuild
      states: [dense, initial, rebuilt]
      perplexity:
${perplexity(answers.text, recipe, here)}

# gates:                          # conditions that the result must meet (docs/gates.md)
#   - rebuilt perplexity <= 1.5 * dense
`;
}

function modelLines(model: Model, here: (name: string) => string): string {
  if ('folder' in model) return `  source: ${here(model.folder)}`;
  const revision = model.revision === undefined ? '  # revision: <commit>            # without one, run with --allow-floating' : `  revision: ${quoted(model.revision)}`;
  return `  source: ${model.repository}\n${revision}`;
}

function dataset(text: Text, here: (name: string) => string): string {
  return 'file' in text ? `{ file: ${here(text.file)} }` : `{ name: ${text.name} }`;
}

function goalLine(goal: Goal): string {
  if ('pattern' in goal) return `pattern: "${goal.pattern}"              # of every ${goal.pattern.split(':')[1]} inputs of a row, ${goal.pattern.split(':')[0]} are kept`;
  return `sparsity: ${goal.sparsity}               # or pattern: "2:4" instead, for hardware that supports it`;
}

function rebuild({ effort }: Recipe, goal: Goal): string {
  const strategy = effort === undefined
    ? '      strategy: guarded           # in rounds, while the error falls; `best` is better and slower\n'
    : `      strategy: best              # masks and weights; \`guarded\`, which changes masks only, is faster
      effort: ${effort}${' '.repeat(20 - String(effort).length)}# 1, 3, 10 or 30: more is better and slower
`;
  return `  - rebuild:\n${strategy}      granularity: ${'pattern' in goal ? 'output         # a pattern holds row by row' : 'block          # which weights compete: block, layer, output or input'}
`;
}

function perplexity(text: Text, { samples, sequenceLength, maxWindows }: Recipe, here: (name: string) => string): string {
  const most = maxWindows === undefined ? [] : [`          maxWindows: ${maxWindows}`];
  if ('file' in text) {
    const skip = `          skipTokens: ${samples * sequenceLength}`;
    return [`        - dataset: { file: ${here(text.file)} }`, `${skip.padEnd(34)}# skips the calibration text`, ...most].join('\n');
  }
  return [`        - dataset: { name: ${text.name === 'c4' ? 'wikitext2' : text.name} }`, ...most].join('\n');
}

const nameOf = (model: Model): string => ('folder' in model ? path.basename(path.resolve(model.folder)) : model.repository);
const goalText = (goal: Goal): string => ('pattern' in goal ? goal.pattern : `${Number((goal.sparsity * 100).toPrecision(6))} %`);

/** Name of the run: letters, digits and a few signs. */
function runName({ model, goal }: Answers): string {
  const text = `${path.basename(nameOf(model))}-${goalText(goal)}`.replace(' %', '').replace(':', 'of').replace(/[^A-Za-z0-9._-]+/g, '-');
  return text.replace(/^[^A-Za-z0-9]+/, '').slice(0, 100);
}

/** Writes a text as YAML, quoted if necessary. */
function quoted(text: string): string {
  return /^[\w./-]*[A-Za-z/][\w./-]*$/.test(text) && !/^-|^(true|false|null|yes|no|on|off)$/i.test(text) ? text : JSON.stringify(text);
}
