import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { loadPipeline, loadSweep, PipelineFileError } from '../../../app/config/index.js';
import { runProgram } from '../cli/run-program.js';

const folder = mkdtempSync(path.join(tmpdir(), 'validators-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Breaks every rule of the schema: types, limits, enumerations, patterns, and missing, unknown and excluded keys. */
const wrong = `version: 2
name: "no good/name"
model: { source: 5, revisio: x }
stages:
  - calibration: { dataset: { file: ./a.txt, name: c4 }, samples: many, sequenceLength: -1 }
  - initialMask: { method: file, sparsity: 1.5, pattern: "9:3", allocation: { by: nothing } }
    rebuild: {}
  - rebuild: { ratio: [1, 1], targets: [a, a] }
  - evaluation: null
  - {}
engine: { backend: abacus }
gates: 7
speed: 9
`;

const problemsOf = (load: () => unknown): unknown => {
  try {
    load();
    return [];
  } catch (error) {
    if (error instanceof PipelineFileError) return error.problems;
    throw error;
  }
};

describe('validators compiled by the build', () => {
  it('find the same errors as those compiled at start', async () => {
    const file = path.join(folder, 'wrong.yaml');
    writeFileSync(file, wrong);
    const expected = problemsOf(() => loadPipeline(file));
    expect((expected as unknown[]).length).toBeGreaterThan(10);
    const { code, stdout } = await runProgram('temporal-pipeline', ['validate', file, '--json']);
    expect({ code, problems: (JSON.parse(stdout) as { problems: unknown }).problems }).toEqual({ code: 2, problems: JSON.parse(JSON.stringify(expected)) as unknown });
  });

  it('fill in the same defaults', async () => {
    const { stdout } = await runProgram('temporal-pipeline', ['validate', 'pipelines/demo.yaml', '--json']);
    expect(JSON.parse(stdout)).toMatchObject({ digest: loadPipeline('pipelines/demo.yaml').digest });
  });

  it('know every kind of file', async () => {
    const file = path.join(folder, 'sweep.yaml');
    writeFileSync(file, 'version: 1\nname: 7\npipeline: ./none.yaml\nmatrx: {}\n');
    const expected = problemsOf(() => loadSweep(file)) as { message: string }[];
    expect(expected.length).toBeGreaterThan(0);
    const { stderr } = await runProgram('temporal-pipeline', ['sweep', 'validate', file]);
    for (const { message } of expected) expect(stderr).toContain(message);
  });
});
