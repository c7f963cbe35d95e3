import { expect, it } from 'vitest';
import { accuracyRows } from '../../../app/report/index.js';
import { renderReport } from '../../../app/report/report.js';
import type { PipelineResult } from '../../../workflows/protocol.js';
import { examplePipeline, exampleResult } from './example-result.js';

const score = (acc: number, acc_norm: number | null) => ({ acc, acc_stderr: 0.012345, acc_norm, acc_norm_stderr: acc_norm === null ? null : 0.02, documents: 200, bos: true, digest: 'd'.repeat(64) });
const zeroShot: PipelineResult['zeroShot'] = {
  dense: { boolq: score(0.75, null), arc_easy: score(0.5, 0.25) },
  rebuilt: { arc_easy: score(0.4, 0.2) },
};

it('shows accuracies in percent with their standard errors, and the mean over all tasks of a state last', () => {
  expect(accuracyRows({ zeroShot })).toEqual([
    ['zero-shot, %', 'dense', 'rebuilt'],
    ['boolq acc', '75.00 ± 1.23', '-'],
    ['arc_easy acc', '50.00 ± 1.23', '40.00 ± 1.23'],
    ['arc_easy acc_norm', '25.00 ± 2.00', '20.00 ± 2.00'],
    ['mean acc', '62.50', '40.00'],
  ]);
  expect(accuracyRows({})).toEqual([]);
});

it('shows the chance accuracy beside the accuracies if the result contains it', () => {
  const known: PipelineResult['zeroShot'] = { dense: { boolq: { ...score(0.75, null), chance: 0.5 }, arc_easy: { ...score(0.5, 0.25), chance: 0.2504 } } };
  expect(accuracyRows({ zeroShot: known }).map((row) => row.at(-1))).toEqual(['chance', '50.00', '25.04', '25.04', '37.52']);
  const mixed: PipelineResult['zeroShot'] = { ...known, rebuilt: { mine: score(0.4, null) } };
  expect(accuracyRows({ zeroShot: mixed }).map((row) => row.at(-1))).toEqual(['chance', '50.00', '25.04', '25.04', '-', '-']);
});

it('reports the number of documents, whether a BOS token was used, and where the log-likelihoods are', () => {
  const report = renderReport({ ...exampleResult, zeroShot, logLikelihoods: '/state/runs/example/zero-shot' }, examplePipeline);
  expect(report).toMatch(/## Zero-shot accuracy\n\n[^#]*Documents: boolq \(200, with BOS token\), arc_easy \(200, with BOS token\)\.[^#]*`\/state\/runs\/example\/zero-shot`/);
  expect(renderReport(exampleResult, examplePipeline)).not.toContain('Zero-shot');
});
