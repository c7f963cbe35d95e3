import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { loadPipeline } from '../../../app/config/index.js';
import { completeAnswers, type Given } from '../../../app/cli/init/ask.js';
import { recipeFor } from '../../../app/cli/init/recipe.js';
import { onPath } from '#setup/paths.mjs';
import { demoFolder } from '../../helpers/demo-run.js';
import { runCommand } from './run-command.js';

let folder: string;
beforeAll(() => (folder = mkdtempSync(path.join(tmpdir(), 'first steps-'))));
afterAll(() => rmSync(folder, { recursive: true }));

const model = path.join(demoFolder, 'model');
const text = path.join(demoFolder, 'heldout.txt');

describe('init', () => {
  let file: string;
  let count = 0;
  beforeEach(() => (file = path.join(folder, `pipeline ${++count}.yaml`)));
  const init = (...words: string[]) => runCommand(['init', file, ...words]);

  it.each([['laptop', '50 %'], ['laptop', '4:8'], ['workstation', '2:4'], ['gpu', '0.65']])('writes a valid pipeline that names existing files: %s, %s', async (machine, goal) => {
    const { code, stderr } = await init('--model', model, '--text', text, '--goal', goal, '--machine', machine);
    expect(code, stderr).toBe(0);
    const checked = await runCommand(['validate', '--files', file, '--json']);
    expect(JSON.parse(checked.stdout)).toMatchObject({ valid: true, warnings: [], stages: ['calibration', 'initialMask', 'rebuild', 'evaluation'] });
    const [calibration, mask, , evaluation] = loadPipeline(file).pipeline.stages as unknown as { samples: number; sequenceLength: number; sparsity: number; perplexity: { skipTokens: number }[] }[];
    expect(mask.sparsity).toBe({ '50 %': 0.5, '2:4': 0.5, '4:8': 0.5, '0.65': 0.65 }[goal]);
    // 35 KB of text: windows fit into the model, and half of the tokens are left for evaluation.
    expect(calibration.sequenceLength).toBeLessThanOrEqual(256);
    expect(calibration.samples * calibration.sequenceLength * 4).toBeLessThan(35_000 / 2);
    expect(evaluation.perplexity[0].skipTokens).toBe(calibration.samples * calibration.sequenceLength);
  });

  it('writes a pinned model and pinned texts from a hub', async () => {
    const { code } = await init('--model', 'huggyllama/llama-7b@4782ad278652c7c71b72204d462d6d01eaaf7549', '--text', 'c4', '--goal', '50%', '--machine', 'gpu');
    expect(code).toBe(0);
    const { pipeline, warnings } = loadPipeline(file);
    expect(warnings).toEqual([]);
    expect(pipeline).toMatchObject({ name: 'llama-7b-50', model: { source: 'huggyllama/llama-7b', revision: '4782ad278652c7c71b72204d462d6d01eaaf7549' } });
    expect(pipeline.stages[3]).toMatchObject({ perplexity: [{ dataset: { name: 'wikitext2' } }] });
  });

  it('names the schema for completion in editors, and writes a private file with comments', async () => {
    await init('--model', model, '--text', text, '--goal', '50 %', '--machine', 'laptop');
    const [first, ...lines] = readFileSync(file, 'utf8').split('\n');
    const schema = path.resolve(path.dirname(file), first.replace('# yaml-language-server: $schema=', ''));
    expect(schema).toBe(path.resolve('schemas/pipeline.schema.json'));
    expect(lines.filter((line) => line.includes('# ')).length).toBeGreaterThan(5);
  });

  it.each([
    [['--text', text], /model, goal, machine not given, and there is no terminal/],
    [['--model', './nowhere', '--text', 'c4', '--goal', '50 %', '--machine', 'gpu'], /model: there is no folder \.\/nowhere/],
    [['--model', 'huggyllama/llama-7b', '--text', 'c4', '--goal', '50 %', '--machine', 'gpu'], /names no commit/],
    [['--model', model, '--text', 'nothing.txt', '--goal', '50 %', '--machine', 'gpu'], /text: there is no file nothing\.txt/],
    [['--model', model, '--text', 'c4', '--goal', '150 %', '--machine', 'gpu'], /goal: "150 %" is neither a share of weights nor a pattern/],
    [['--model', model, '--text', 'c4', '--goal', '4:2', '--machine', 'gpu'], /goal: "4:2" is neither a share of weights nor a pattern/],
    [['--model', model, '--text', 'c4', '--goal', '50 %', '--machine', 'phone'], /machine: "phone" .*laptop, workstation, gpu/],
  ])('refuses %j and writes nothing', async (words, message) => {
    const { code, stderr } = await init(...words);
    expect(stderr).toMatch(message);
    expect(code).toBe(2);
    expect(existsSync(file)).toBe(false);
  });

  it('keeps an existing file unless forced', async () => {
    writeFileSync(file, 'mine');
    const words = ['--model', model, '--text', text, '--goal', '50 %', '--machine', 'laptop'];
    expect(await init(...words)).toMatchObject({ code: 2, stderr: expect.stringContaining('--force') as string });
    expect(readFileSync(file, 'utf8')).toBe('mine');
    expect((await init(...words, '--force')).code).toBe(0);
    expect(readFileSync(file, 'utf8')).not.toBe('mine');
  });

  it('asks for what is missing, asks again after an invalid answer, and takes the default for an empty one', async () => {
    const asked: string[] = [];
    const said: string[] = [];
    const replies = ['nowhere', model, '', 'much', '60 %'];
    const ask = (question: string): Promise<string> => {
      asked.push(question);
      return Promise.resolve(replies.shift() ?? '');
    };
    const given: Given = { machine: 'laptop' };
    const answers = await completeAnswers(given, ask, { allowFloating: false, say: (line) => said.push(line) });
    expect(answers).toEqual({ model: { folder: model }, text: { name: 'c4' }, goal: { sparsity: 0.6 }, machine: 'laptop' });
    expect(asked.map((question) => question.split('?')[0])).toEqual(['Which model', 'Which model', 'Which calibration text', 'How many weights should be pruned', 'How many weights should be pruned']);
    expect(said).toHaveLength(2);
  });

  it('chooses more text and more effort for larger machines', () => {
    const recipe = (machine: 'laptop' | 'workstation' | 'gpu') => recipeFor({ model: { repository: 'a/b' }, text: { name: 'c4' }, goal: { sparsity: 0.5 }, machine });
    const tokens = (['laptop', 'workstation', 'gpu'] as const).map((machine) => recipe(machine).samples * recipe(machine).sequenceLength);
    expect(tokens).toEqual([...tokens].sort((a, b) => a - b));
    expect([recipe('laptop').effort, recipe('workstation').effort, recipe('gpu').effort]).toEqual([undefined, 3, 10]);
  });
});

describe('explain', () => {
  it('shows meaning, range, default and source', async () => {
    const { code, stdout } = await runCommand(['explain', 'calibration.samples']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^calibration\.samples\n {2}meaning +Number of windows\.\n {2}value +a whole number of at least 1 and at most 1000000\n {2}default +128\n {2}source +schemas\/pipeline\.schema\.json #\/\$defs\/calibration\/properties\/samples/);
  });

  it.each(['samples', 'stages.0.calibration.samples', 'calibration.samples'])('%s means calibration.samples', async (name) => {
    const { keys } = JSON.parse((await runCommand(['explain', name, '--json'])).stdout) as { keys: { path: string }[] };
    expect(keys.map(({ path }) => path)).toEqual(['calibration.samples']);
  });

  it('says where to find a default that depends on other keys, and lists no values without a meaning', async () => {
    const { stdout } = await runCommand(['explain', 'rebuild.effort']);
    expect(stdout).toMatch(/meaning +.*Default: 10\..*\n +value +`1`, `3`, `10` or `30`\n +default +see the meaning\n/);
  });

  it('explains every key with the short name, and choices with their meaning', async () => {
    const { stdout } = await runCommand(['explain', 'sequenceLength']);
    expect(stdout.match(/^\S+/gm)).toEqual(['calibration.sequenceLength', 'evaluation.perplexity.sequenceLength']);
    expect((await runCommand(['explain', 'engine.backend'])).stdout).toMatch(/wasm: WebAssembly/);
  });

  it('points into the schema, where every pointer leads to the text that is shown', async () => {
    const { keys } = JSON.parse((await runCommand(['explain', '--json'])).stdout) as { keys: { path: string; pointer: string; meaning: string }[] };
    const schema = JSON.parse(readFileSync('schemas/pipeline.schema.json', 'utf8')) as Record<string, unknown>;
    const at = (pointer: string) => pointer.split('/').slice(1).reduce<unknown>((value, key) => (value as Record<string, unknown>)[key], schema) as { description?: string; $ref?: string };
    expect(keys.length).toBeGreaterThan(50);
    for (const { path, pointer, meaning } of keys) {
      const found = at(pointer);
      const described = found.description ?? at(found.$ref ?? '#').description ?? '';
      expect({ path, described }).toEqual({ path, described: meaning });
    }
  });

  it('suggests the key that was meant', async () => {
    expect(await runCommand(['explain', 'rebuild.ratoi'])).toMatchObject({ code: 2, stderr: expect.stringMatching(/no key "rebuild\.ratoi".*rebuild\.ratio/) as string });
  });
});

it('lists every ready-made file with a line about it', async () => {
  const { examples } = JSON.parse((await runCommand(['examples', '--json'])).stdout) as { examples: { file: string; kind: string; about: string }[] };
  const ready = readdirSync('pipelines', { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.yaml') && !name.startsWith('tasks'));
  expect(examples.map(({ file }) => path.relative('pipelines', file))).toEqual(ready.sort());
  for (const { about } of examples) expect(about).toMatch(/^\S.{8,}[.?]$/);
  const kinds = Object.fromEntries(examples.map(({ file, kind }) => [path.relative('pipelines', file), kind]));
  expect(kinds).toMatchObject({ 'demo.yaml': 'pipeline', 'sweeps/demo.yaml': 'sweep', 'searches/demo.yaml': 'search', 'packs/llama-7b-wanda-50.yaml': 'pack' });
  expect((await runCommand(['examples'])).stdout).toMatch(/^Pipelines, .*\n {2}pipelines\/demo\.yaml +A whole run/);
});

describe('missing files', () => {
  const pipeline = () => {
    const file = path.join(folder, 'absent.yaml');
    writeFileSync(file, readFileSync('pipelines/demo.yaml', 'utf8'));
    return file;
  };

  it('are reported by validate --files only', async () => {
    expect((await runCommand(['validate', pipeline()])).code).toBe(0);
    const { code, stderr } = await runCommand(['validate', '--files', pipeline()]);
    expect(code).toBe(2);
    expect(stderr).toMatch(/absent\.yaml:9:11.*there is no folder .*demo\/model/);
  });

  it('keep run from starting anything', async () => {
    const state = path.join(folder, 'state');
    const { code, stderr } = await runCommand(['run', pipeline(), '--state', state]);
    expect(code).toBe(2);
    expect(stderr).toMatch(/there is no .*calibration\.txt/);
    expect(existsSync(state)).toBe(false);
  });
});

describe('completion', () => {
  it('in Bash offers commands, subcommands and options', async () => {
    const { stdout: script } = await runCommand(['completion', 'bash']);
    const offered = (...words: string[]): string[] => {
      const list = words.map((word) => `'${word}'`).join(' ');
      const ask = `${script}\nCOMP_WORDS=(temporal-pipeline ${list})\nCOMP_CWORD=${words.length}\n_temporal_pipeline\necho "\${COMPREPLY[@]}"`;
      return execFileSync('bash', ['-c', ask], { encoding: 'utf8' }).trim().split(' ').filter((word) => word !== '');
    };
    expect(offered('val')).toEqual(['validate']);
    expect(offered('sweep', 'r')).toEqual(['run', 'resume', 'report']);
    expect(offered('--state', 'x', 'validate', '--fi')).toEqual(['--files']);
    expect(offered('sweep', 'run', '--al')).toEqual(['--allow-floating']);
    // Bash itself completes file names. Options are offered after a dash.
    expect(offered('run', '')).toEqual([]);
    expect(offered('run', 'pipelines/de')).toEqual([]);
    // Words after `npx temporal-pipeline` would not be completed, so there is a function of that name.
    const ask = `PATH='${folder}'\n${script}\nnpx() { echo "npx $*"; }\ntemporal-pipeline run 'a b'`;
    expect(execFileSync(onPath('bash')[0], ['-c', ask], { encoding: 'utf8' })).toBe('npx --no temporal-pipeline run a b\n');
  });

  it('in Fish offers the same', async () => {
    const script = path.join(folder, 'completion.fish');
    writeFileSync(script, (await runCommand(['completion', 'fish'])).stdout);
    expect(readFileSync(script, 'utf8')).toMatch(/^complete -c temporal-pipeline -n "__temporal_pipeline_at ' sweep'" -a resume -d 'run the members/m);
    if (onPath('fish').length === 0) return;
    const offered = (line: string): string[] =>
      execFileSync('fish', ['--no-config', '-c', `source '${script}'; complete -C '${line}'`], { encoding: 'utf8' }).split('\n').flatMap((answer) => answer.split('\t')[0] || []);
    expect(offered('temporal-pipeline val')).toEqual(['validate']);
    expect(offered('temporal-pipeline sweep r')).toEqual(expect.arrayContaining(['report', 'resume', 'run']));
    expect(offered('llm-barber-pipeline validate --fi')).toEqual(['--files']);
  });

  it('in Zsh is that of Bash', async () => {
    const script = path.join(folder, 'completion.zsh');
    writeFileSync(script, (await runCommand(['completion', 'zsh'])).stdout);
    expect(readFileSync(script, 'utf8')).toContain('complete -o bashdefault -o default -F _temporal_pipeline');
    if (onPath('zsh').length === 0) return;
    const ask = `source '${script}'; print $_comps[temporal-pipeline]`;
    expect(execFileSync('zsh', ['-f', '-c', ask], { encoding: 'utf8' })).toContain('_temporal_pipeline');
  });
});
