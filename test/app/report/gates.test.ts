import { expect, it } from 'vitest';
import { pipelineFile, renderReport } from '../../../app/report/index.js';
import { parsePipeline } from '../../../app/config/index.js';
import { judgeGates } from '../../../workflows/gates.js';
import { exampleResult } from './example-result.js';

const text = `version: 1
name: example
model: { source: ./model }
stages:
  - initialMask: { method: magnitude, sparsity: 0.5 }
  - rebuild: { strategy: published, ratio: 0.1 }
  - evaluation: { states: [initial, rebuilt], perplexity: [{ dataset: { file: ./held|out.txt } }, { dataset: { name: ptb } }] }
gates:
  - rebuilt perplexity of held|out.txt <= 0.5 * initial
  - { name: tight, check: sparsity within 0.0000001 }
`;
const parse = (yaml: string) => parsePipeline({ text: yaml.replace('  - rebuild', '  - calibration: { dataset: { name: c4 } }\n  - rebuild'), path: '/data/example.yaml' });

it('shows the gates with required and measured values, and the lock', () => {
  const { pipeline } = parse(text);
  const report = renderReport({ ...exampleResult, gates: judgeGates(pipeline.gates ?? [], exampleResult), lock: '/state/pipeline.lock.yaml' }, pipeline);
  const table = report.slice(report.indexOf('## Quality gates'), report.indexOf('## Quality\n'));
  expect(table).toMatch(/\| rebuilt perplexity of held\\\|out\.txt <= 0\.5 \* initial +\| <= 4\.705 +\| 6\.32 +\| FAILED \|/);
  expect(table).toMatch(/\| tight: sparsity within 0\.0000001 +\| within 0\.00001 points of 50 % \| 49\.9999 % \| FAILED \|/);
  expect(report).toContain('With `--locked /state/pipeline.lock.yaml`, a run of the original file gives the same bits or fails.');
});

it('shows neither without gates and lock', () => {
  const { pipeline } = parse(text.slice(0, text.indexOf('gates:')));
  const report = renderReport(exampleResult, pipeline);
  expect(report).not.toContain('gates');
  expect(report).not.toContain('--locked');
});

it('contains a file with the same pipeline, gates included', () => {
  const { pipeline, digest } = parse(text);
  expect(parsePipeline({ text: pipelineFile(pipeline), path: '/elsewhere/pipeline.yaml' }).digest).toBe(digest);
});
