/** A whole run in which every path has characters that are special in URIs, patterns or shells. */
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { PipelineResult } from '../../../workflows/protocol.js';
import { demoFolder } from '../../helpers/demo-run.js';
import { runProgram } from './run-program.js';

const odd = `C# 50%25 ?a=b&c 'd' "e" é $f`;

describe('paths with unusual characters', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'odd-paths-'));
  const inside = path.join(folder, odd);
  const state = path.join(inside, `state ${odd}`);
  afterAll(() => rmSync(folder, { recursive: true }));

  async function json<T>(...words: string[]): Promise<T> {
    const { code, stdout, stderr } = await runProgram('temporal-pipeline', [...words, '--json', '--state', state]);
    expect(code, stderr).toBe(0);
    return JSON.parse(stdout) as T;
  }

  it('are read and written in the right place: state, model, text, pipeline, task and output', async () => {
    const model = path.join(inside, `model ${odd}`);
    cpSync(path.join(demoFolder, 'model'), model, { recursive: true });
    const texts = path.join(inside, `texts ${odd}`);
    mkdirSync(texts);
    const [calibration, heldout, documents] = ['calibration.txt', 'heldout.txt', 'documents.jsonl'].map((name) => path.join(texts, `${odd} ${name}`));
    cpSync(path.join(demoFolder, 'calibration.txt'), calibration);
    cpSync(path.join(demoFolder, 'heldout.txt'), heldout);
    writeFileSync(documents, '{"query": "Once upon a time", "choices": [" there was", " dog"], "gold": 0}\n'.repeat(2));
    const file = path.join(inside, `-pipeline ${odd}.yaml`);
    const text = `version: 1
name: odd
model: { source: ${JSON.stringify(`./model ${odd}`)} }
stages:
  - calibration: { dataset: { file: ${JSON.stringify(calibration)} }, samples: 4, sequenceLength: 32 }
  - initialMask: { method: wanda, sparsity: 0.5 }
  - rebuild: { strategy: published, ratio: 0.1 }
  - evaluation: { states: [rebuilt], perplexity: [{ dataset: { file: ${JSON.stringify(heldout)} }, maxWindows: 2 }], zeroShot: [{ name: mine, file: ${JSON.stringify(documents)} }] }
`;
    writeFileSync(file, text);
    const made = await json<PipelineResult & { workflowId: string; status: string }>('run', file);
    expect(made.status).toBe('completed');
    expect(Object.keys(made.perplexity.rebuilt ?? {})).toEqual([`${odd} heldout.txt`]);
    for (const there of [made.checkpoint, made.mask, made.proof, made.report, made.lock ?? '']) {
      expect(there.startsWith(state)).toBe(true);
      expect(existsSync(there)).toBe(true);
    }

    // The server's database is in the state folder, and has the run.
    expect(readdirSync(path.join(state, 'temporal'))).toContain('server.db');
    expect(await json('list')).toMatchObject({ pipelines: [{ workflowId: made.workflowId, status: 'completed' }] });

    const out = path.join(inside, `out ${odd}`);
    await json('mask', 'apply', made.mask, '--model', model, '--out', out);
    await json('mask', 'verify', out, '--mask', made.mask, '--model', model);

    expect(readdirSync(folder)).toEqual([odd]);
    expect(readdirSync(inside).sort()).toEqual([model, texts, file, state, out].map((made) => path.basename(made)).sort());
  });
});
