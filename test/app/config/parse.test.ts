import { readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canonicalJson } from '../../../files/artifacts/index.js';
import { loadPipeline } from '../../../app/config/index.js';
import type { CalibrationStage, EvaluationStage, InitialMaskStage, Pipeline } from '../../../app/config/index.js';
import { failure, parse, pipelineText, standardStages } from './helpers.js';

/** The exact file of the design, which tests outside the repository use. */
const designFile = `# yaml-language-server: $schema=../schemas/pipeline.schema.json
version: 1
name: stories260k-magnitude-block
model:
  source: ../shared/data/models/stories260K   # a folder (relative to this file) or a Hugging Face repo id
  # revision: <commit>                        # required for a repo id unless --allow-floating
stages:                                       # run in this order; a stage may appear again (rebuild twice, evaluate between)
  - calibration:
      dataset: { file: ../shared/data/text/tiny.utf8 }   # or { name: c4 | wikitext2 | ptb }
      samples: 16
      sequenceLength: 256
      sampling: sequential        # first windows of the token stream; or \`random\` with \`seed\`
  - initialMask:
      method: magnitude           # magnitude | wanda | sparsegpt | file (source: a mask file or a pruned checkpoint made elsewhere)
      sparsity: 0.5               # with pattern: "2:4" the sparsity follows from the pattern
  - rebuild:
      granularity: block          # block | layer | output | input
      ratio: 0.1
      metric: weight-gradient     # weight-gradient | weight | gradient
  - evaluation:
      states: [dense, initial, rebuilt]
      perplexity:
        - dataset: { file: ../shared/data/text/tiny.utf8 }
          skipTokens: 4096        # so that calibration text is not scored
          maxWindows: 64
          # sequenceLength: as in calibration unless given
`;

describe('parsePipeline', () => {
  test('returns the pipeline of the file in the design', () => {
    const { pipeline, warnings } = parse(designFile, { path: '/home/me/project/file.yaml' });
    expect(pipeline).toEqual({
      version: 1,
      name: 'stories260k-magnitude-block',
      model: { source: '/home/me/shared/data/models/stories260K' },
      engine: { backend: 'auto' },
      stages: [
        { type: 'calibration', dataset: { file: '/home/me/shared/data/text/tiny.utf8' }, samples: 16, sequenceLength: 256, sampling: 'sequential', seed: 0 },
        { type: 'initialMask', method: 'magnitude', sparsity: 0.5, pattern: 'unstructured' },
        { type: 'rebuild', strategy: 'published', granularity: 'block', ratio: 0.1, metric: 'weight-gradient', weights: 'keep-dense' },
        {
          type: 'evaluation',
          states: ['dense', 'initial', 'rebuilt'],
          perplexity: [{ dataset: { file: '/home/me/shared/data/text/tiny.utf8' }, skipTokens: 4096, maxWindows: 64, sequenceLength: 256 }],
        },
      ],
    } satisfies Pipeline);
    expect(warnings).toEqual([]);
  });

  test('returns JSON data, which survives the way to a workflow', () => {
    const { pipeline } = parse(designFile);
    expect(JSON.parse(JSON.stringify(pipeline))).toEqual(pipeline);
  });

  test('fills in the defaults of the schema', () => {
    const { pipeline } = parse(pipelineText('  - calibration: { dataset: { name: c4 } }\n  - initialMask: { method: wanda, pattern: 2:4 }\n'));
    expect(pipeline.stages[0]).toEqual({ type: 'calibration', dataset: { name: 'c4', revision: '1588ec454efa1a09f29cd18ddd04fe05fc8653a2', specialTokens: true }, samples: 128, sequenceLength: 2048, sampling: 'sequential', seed: 0 });
    expect(pipeline.stages[1]).toEqual({ type: 'initialMask', method: 'wanda', sparsity: 0.5, pattern: '2:4' });
  });

  test('evaluates the states that exist at that point, with the preceding calibration', () => {
    const evaluation = '  - evaluation: { perplexity: [{ dataset: { name: ptb } }, { dataset: { name: c4 }, sequenceLength: 7 }] }\n';
    const calibration = (length: number) => `  - calibration: { dataset: { name: c4 }, sequenceLength: ${length} }\n`;
    const { pipeline } = parse(
      pipelineText(evaluation + calibration(64) + evaluation + '  - initialMask: { method: magnitude, sparsity: 0.5 }\n' + evaluation + '  - rebuild: {}\n' + calibration(32) + evaluation),
    );
    const evaluations = pipeline.stages.filter((stage): stage is EvaluationStage => stage.type === 'evaluation');
    expect(evaluations.map(({ states }) => states.join())).toEqual(['dense', 'dense', 'dense,initial', 'dense,initial,rebuilt']);
    expect(evaluations.map(({ perplexity }) => perplexity.map(({ sequenceLength }) => sequenceLength))).toEqual([[2048, 7], [64, 7], [64, 7], [32, 7]]);
  });

  test.each([
    ['2:4', 0.5],
    ['1:4', 0.75],
    ['4:8', 0.5],
    ['1:3', 2 / 3],
  ])('gives pattern %s the sparsity %d, whether it is given or not', (pattern, sparsity) => {
    for (const given of ['', `, sparsity: ${sparsity}`]) {
      const stage = parse(pipelineText(`  - initialMask: { method: magnitude, pattern: "${pattern}"${given} }\n`)).pipeline.stages[0] as InitialMaskStage;
      expect(stage.sparsity).toBeCloseTo(sparsity, 12);
      expect(stage.pattern).toBe(pattern);
    }
  });

  test('leaves pattern and sparsity to a mask file', () => {
    const { pipeline } = parse(pipelineText('  - initialMask: { method: file, source: ../masks/m.safetensors }\n'));
    expect(pipeline.stages[0]).toEqual({ type: 'initialMask', method: 'file', source: '/masks/m.safetensors' });
  });

  test('resolves aliases and merge keys, and prefers own keys', () => {
    const { pipeline } = parse(
      pipelineText('  - calibration: &c { samples: 2, dataset: &d { file: t.txt }, seed: 5 }\n  - calibration: { samples: 3, <<: *c }\n  - evaluation: { perplexity: [{ dataset: *d, skipTokens: 9000 }] }\n'),
    );
    expect(pipeline.stages[1]).toMatchObject({ samples: 3, seed: 5, dataset: { file: '/pipelines/t.txt' } });
    expect((pipeline.stages[2] as EvaluationStage).perplexity[0]?.dataset).toEqual({ file: '/pipelines/t.txt' });
  });

  test('freezes the result all the way down', () => {
    const { pipeline } = parse(designFile);
    const frozen = (value: unknown): boolean => typeof value !== 'object' || value === null || (Object.isFrozen(value) && Object.values(value).every(frozen));
    expect(frozen(pipeline)).toBe(true);
  });

  test('ignores line ends, a byte order mark, comments and the order of keys', () => {
    const { digest } = parse(designFile);
    expect(parse(designFile.replace(/\n/g, '\r\n')).digest).toBe(digest);
    expect(parse(`\uFEFF${designFile}`).digest).toBe(digest);
    expect(parse(designFile.replace(/ *#.*$/gm, '')).digest).toBe(digest);
    expect(parse(designFile.replace('version: 1\n', '') + 'version: 1\n').digest).toBe(digest);
    expect(parse(designFile.replace('ratio: 0.1', 'ratio: 0.10')).digest).toBe(digest);
    expect(parse(designFile.replace('ratio: 0.1', 'ratio: 0.2')).digest).not.toBe(digest);
  });

  test('returns the SHA-256 of canonical JSON as digest', () => {
    // From: printf '%s' JSON | sha256sum
    expect(parse('version: 1\nname: d\nmodel: {source: /m}\nstages: [{initialMask: {method: magnitude, sparsity: 0.5}}]').digest).toBe(
      'a786120a4042668ad863c274ad4d7725cacfb8abae9775fde257de6a218d89b2',
    );
  });

  test('writes canonical JSON independent of the order of keys', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
        const reversed = Object.fromEntries(Object.entries(value).reverse());
        expect(canonicalJson(reversed)).toBe(canonicalJson(value));
        expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  test('throws only a PipelineFileError, and never hangs, for any text', () => {
    const words = ['version: 1', 'stages:', '- ', '  ', '\n', '*a', '&a', '<<: ', '{', '}', '[', ']', '"', "'", 'calibration', ': ', '\t', '|', '?', '!!set', '---', '__proto__', '%YAML 1.1', 'null', '0.5', '#'];
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.constantFrom(...words), fc.string({ maxLength: 4 }))), (parts) => {
        expect(failure(parts.join('')).problems.length).toBeGreaterThan(0);
      }),
      { numRuns: 500 },
    );
  });
});

describe('the model source', () => {
  const withSource = (source: string, more = '') => pipelineText(standardStages).replace('{ source: ./model }', `{ source: ${source}${more} }`);
  const commit = 'bf57045473f207bb1de1ed035ace226f4d9f9bba';

  test.each([
    ['./a/b', '/pipelines/a/b'],
    ['../m', '/m'],
    ['/models/llama', '/models/llama'],
    ['folder', '/pipelines/folder'],
    ['~/models/m', `${homedir()}/models/m`],
    ['a/b/c', '/pipelines/a/b/c'],
  ])('%s is a folder', (source, resolved) => {
    expect(parse(withSource(source)).pipeline.model).toEqual({ source: resolved });
  });

  test('keeps the name and revision of a repository id', () => {
    const { pipeline, warnings } = parse(withSource('huggyllama/llama-13b', `, revision: ${commit}`));
    expect(pipeline.model).toEqual({ source: 'huggyllama/llama-13b', revision: commit });
    expect(warnings).toEqual([]);
  });

  test('needs allowFloating for a repository id without revision', () => {
    expect(failure(withSource('org/name')).message).toContain('/pipelines/test.yaml:3:18: `revision` is missing for the repository id "org/name"');
    expect(parse(withSource('org/name'), { allowFloating: true }).pipeline.model).toEqual({ source: 'org/name' });
  });

  test('warns about a branch as revision', () => {
    expect(parse(withSource('org/name', ', revision: main')).warnings[0]?.message).toContain('revision "main" can point to other weights later');
  });

  test('prefers a folder beside the file to a repository of that name', () => {
    const { pipeline } = parse(withSource('app/config'), { path: 'test.yaml' });
    expect(pipeline.model.source).toBe(`${process.cwd()}/app/config`);
  });
});

describe('pipelines/', () => {
  const shipped = readdirSync('pipelines').filter((file) => file.endsWith('.yaml'));

  test.each(shipped)('%s is valid, without warnings', (file) => {
    expect(loadPipeline(`pipelines/${file}`).warnings).toEqual([]);
  });

  test('calibrates pipelines for 13 billion parameters on 128 windows of 2,048 tokens of C4', () => {
    for (const file of ['llama13b', 'opt13b']) {
      const [calibration] = loadPipeline(`pipelines/${file}.yaml`).pipeline.stages as [CalibrationStage];
      expect(calibration).toMatchObject({ dataset: { name: 'c4' }, samples: 128, sequenceLength: 2048 });
    }
  });
});
