import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { loadPack, PipelineFileError } from '../../../app/config/index.js';
import { asLine, pipelineText } from './helpers.js';

const pack = `version: 1
name: claims
pipeline: ./p.yaml
set: { initialMask.sparsity: 0.6, calibration.dataset.file: ./own.txt }
expect:
  - number: rebuilt perplexity
    value: 20
    tolerance: 0.5 %
    source: { paper: Somebody 2024, table: Table 1 }
  - number: sparsity
    value: 0.6
    tolerance: 0.001
    source: { file: notes.txt }
`;

describe('a pack', () => {
  const folder = mkdtempSync(join(tmpdir(), 'pack-'));
  writeFileSync(join(folder, 'p.yaml'), pipelineText());
  afterAll(() => rmSync(folder, { recursive: true }));
  const load = (text: string, overrides: string[] = []): ReturnType<typeof loadPack> => {
    writeFileSync(join(folder, 'pack.yaml'), text);
    return loadPack(join(folder, 'pack.yaml'), overrides);
  };
  const problems = (text: string): string[] => {
    try {
      load(text);
    } catch (error) {
      if (error instanceof PipelineFileError) return error.problems.map((problem) => `${error.path.replace(`${folder}/`, '')} ${asLine(problem)}`);
      throw error;
    }
    return [];
  };

  it('contains its pipeline with its values, and numbers with absolute tolerances', () => {
    const { name, pipeline, expect: numbers } = load(pack, ['rebuild.ratio=0.2']);
    expect(name).toBe('claims');
    expect(pipeline).toMatchObject({ name: 'claims', stages: [{ dataset: { file: join(folder, 'own.txt') } }, { sparsity: 0.6 }, { ratio: 0.2 }, {}] });
    expect(numbers.map(({ tolerance }) => tolerance)).toEqual([0.1, 0.001]);
    expect(numbers[0]).toMatchObject({ number: 'rebuilt perplexity', quantity: { kind: 'perplexity', state: 'rebuilt', dataset: 'heldout.txt' }, value: 20, source: { paper: 'Somebody 2024', table: 'Table 1' } });
  });

  it.each([
    ['number: rebuilt perplexity', 'number: rebuilt perplexty', 'pack.yaml 6:21 `perplexty` is not a quantity of that state'],
    ['number: rebuilt perplexity', 'number: rebuilt perplexity <= 20', 'pack.yaml 6:32 unexpected `<=`'],
    ['number: rebuilt perplexity', 'number: rebuilt perplexity of wikitext2', 'pack.yaml 6:13 this pipeline does not evaluate `rebuilt` on the dataset `wikitext2`'],
    ['tolerance: 0.5 %', 'tolerance: half', 'pack.yaml 8:16 `tolerance` is "half"; expected a number of at least 0, or a percentage such as `1 %`'],
    ['tolerance: 0.001', 'tolerance: -1', 'pack.yaml 12:16 `tolerance` is -1'],
    ['source: { file: notes.txt }', 'source: {}', 'pack.yaml 13:13 `source` is empty; expected `paper`'],
    ['initialMask.sparsity: 0.6', 'initialMask.sparsity: 6', '`sparsity` is 6'],
    ['pipeline: ./p.yaml', 'pipeline: ./q.yaml', 'q.yaml 0:0 no such file'],
  ])('is refused with the place of the error: %s -> %s', (from, to, message) => {
    expect(pack).toContain(from);
    expect(problems(pack.replace(from, to))[0]).toContain(message);
  });
});

describe('the packs in the package', () => {
  const folder = 'pipelines/packs';
  const files = readdirSync(folder).filter((name) => readFileSync(join(folder, name), 'utf8').includes('pack.schema.json'));

  it('are more than 30', () => expect(files.length).toBeGreaterThan(30));

  it.each(files)('fit their pipeline, are named like their file, and cite the source of their numbers: %s', (file) => {
    const { name, expect: numbers } = loadPack(join(folder, file), [], { allowFloating: true });
    expect(`${name}.yaml`).toBe(file);
    for (const { source } of numbers) expect(source.paper !== undefined && (source.url ?? source.file) !== undefined).toBe(true);
  });

  it('require a commit of the model if they cite papers, or --allow-floating', () => {
    expect(() => loadPack(join(folder, 'llama-7b-wanda-50.yaml'))).toThrow('`revision` is missing');
  });
});
