/** Zero-shot tasks from the command line, on the demo model, with the user's own documents. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PipelineResult } from '../../../workflows/protocol.js';
import { demoFolder } from '../../helpers/demo-run.js';
import { requireTemporalCli } from '../../helpers/set-up.js';
import { ownNamespace, type OwnNamespace } from '../../helpers/shared-server.js';
import { runCommand } from './run-command.js';
import { startWorker, type Ended, type Program } from './run-program.js';

requireTemporalCli();

type Printed = PipelineResult & { status: string };

describe('zero-shot tasks', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'zero-shot-'));
  const state = path.join(folder, 'state');
  const file = path.join(folder, 'tasks.yaml');
  const text = (gate: string): string => `version: 1
name: tasks
model: { source: ./demo/model }
stages:
  - initialMask: { method: magnitude, sparsity: 0.6 }
  - evaluation:
      zeroShot:
        - { name: next line, file: ./mine.jsonl }
        - { task: piqa, file: ./piqa.jsonl, limit: 4 }
gates:
  - ${gate}
`;
  const run = (...words: string[]): Promise<Ended> => runCommand(['run', file, '--json', '--state', state, ...words], { env: own.env });
  let own: OwnNamespace;
  let worker: Program;
  let first: Ended;

  beforeAll(async () => {
    cpSync(demoFolder, path.join(folder, 'demo'), { recursive: true });
    const sentences = readFileSync(path.join(demoFolder, 'heldout.txt'), 'utf8').split('\n').filter((line) => line.length > 40);
    const documents = sentences.slice(0, 20).map((sentence, i) => ({ query: sentence.slice(0, 24).trimEnd(), choices: [sentences[i + 1].slice(24, 44), sentence.slice(24, 44)].map((answer) => answer.trim()), gold: 1 }));
    writeFileSync(path.join(folder, 'mine.jsonl'), documents.map((document) => `${JSON.stringify(document)}\n`).join(''));
    const hub = sentences.slice(0, 9).map((sentence, i) => ({ goal: sentence.slice(0, 24), sol1: sentence.slice(24), sol2: sentences[i + 2].slice(24), label: 0 }));
    writeFileSync(path.join(folder, 'piqa.jsonl'), hub.map((document) => `${JSON.stringify(document)}\n`).join(''));
    writeFileSync(file, text('\'initial "next line" acc drop <= 100 points\''));
    own = await ownNamespace('zero-shot');
    worker = await startWorker(state, { env: own.env });
    first = await run();
  });
  afterAll(async () => {
    worker.process.kill('SIGTERM');
    await worker.ended;
    await own.client.connection.close();
    rmSync(folder, { recursive: true });
  });

  it('give accuracies by state and task in the result, and the rest in the report and files', () => {
    expect(first.code, first.stderr).toBe(0);
    const { zeroShot, perplexity, gates, logLikelihoods = '', report, lock = '' } = JSON.parse(first.stdout) as Printed;
    expect(perplexity).toEqual({});
    expect(Object.keys(zeroShot ?? {})).toEqual(['dense', 'initial']);
    for (const state of ['dense', 'initial'] as const) {
      const scores = zeroShot?.[state] ?? {};
      expect(Object.entries(scores).map(([task, { documents, bos }]) => [task, documents, bos])).toEqual([['next line', 20, false], ['piqa', 4, false]]);
      const lines = readFileSync(path.join(logLikelihoods, state, 'next line.jsonl'), 'utf8').trim().split('\n').map((line) => JSON.parse(line) as { log_likelihoods: number[]; gold: number });
      const right = lines.filter(({ log_likelihoods: [a, b], gold }) => (b > a ? 1 : 0) === gold).length;
      expect(scores['next line'].acc).toBe(right / 20);
    }
    const acc = (state: 'dense' | 'initial'): number => zeroShot?.[state]?.['next line']?.acc ?? NaN;
    expect(gates?.[0]).toMatchObject({ passed: true, found: acc('dense') - acc('initial') });
    // The model was trained on text like this. Without half of its weights the numbers differ.
    expect(acc('dense')).toBeGreaterThan(0.5);
    expect(zeroShot?.initial?.['next line'].digest).not.toBe(zeroShot?.dense?.['next line'].digest);
    expect(readFileSync(report, 'utf8')).toMatch(/## Zero-shot accuracy[^#]*next line acc_norm[^#]*mean acc[^#]*next line \(20\), piqa \(4\)/);
    const locked = readFileSync(lock, 'utf8');
    expect(locked).toContain('tasks/piqa.yaml:');
    expect(locked).toContain('./mine.jsonl:');
    expect(locked).toContain(zeroShot?.dense?.piqa?.digest);
  });

  it('end the run with exit code 3 if a gate on an accuracy fails, and compute nothing again', async () => {
    writeFileSync(file, text('\'dense "next line" acc >= 101 %\''));
    const failed = await run();
    expect(failed.code, failed.stderr).toBe(3);
    const { zeroShot, gates } = JSON.parse(failed.stdout) as Printed;
    expect(gates?.[0]).toMatchObject({ passed: false, found: zeroShot?.dense?.['next line']?.acc });
    expect(zeroShot).toEqual((JSON.parse(first.stdout) as Printed).zeroShot);
    const log = readFileSync(path.join(state, 'artifacts', 'log.jsonl'), 'utf8');
    expect(log.match(/"event":"made","kind":"likelihoods"/g)).toHaveLength(4);
  });

  it('are refused by a locked run if documents changed', async () => {
    writeFileSync(file, text('\'initial "next line" acc drop <= 100 points\''));
    const { lock = '' } = JSON.parse(first.stdout) as Printed;
    const documents = path.join(folder, 'mine.jsonl');
    writeFileSync(documents, readFileSync(documents, 'utf8').replace('"gold":1', '"gold":0'));
    const refused = await run('--locked', lock);
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain('files[./mine.jsonl]');
  });
});
