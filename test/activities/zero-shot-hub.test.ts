import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { lockedInputs } from '../../activities/lock/index.js';
import { prepareRun } from '../../activities/prepare-run.js';
import { Workbench } from '../../activities/workbench.js';
import { sampleQuestions } from '../../activities/zero-shot/index.js';
import { ArtifactStore } from '../../files/artifacts/index.js';
import { loadTask, parsePipeline, taskPath, type EvaluationStage } from '../../app/config/index.js';
import { nestedParquet } from '../files/datasets/parquet-files.js';
import { demoFolder } from '../helpers/demo-run.js';
import { HubServer, sha256 } from '../helpers/hub-server.js';

const { repository, revision, files: [path] } = loadTask(taskPath('arc_easy')).source;
const documents = Buffer.from(nestedParquet, 'base64');

describe('documents of a task from a hub', () => {
  const server = new HubServer();
  let root: string;

  beforeAll(async () => {
    root = realpathSync(mkdtempSync(join(tmpdir(), 'zero-shot-hub-')));
    server.repositories.set(`datasets/${repository}`, { branches: {}, commits: { [revision]: { [path]: documents } } });
    vi.stubEnv('HF_ENDPOINT', await server.start());
    vi.stubEnv('HF_HOME', join(root, 'huggingface'));
    for (const name of ['HF_TOKEN', 'HF_HUB_CACHE', 'HF_HUB_OFFLINE']) vi.stubEnv(name, '');
  });
  afterAll(async () => {
    vi.unstubAllEnvs();
    await server.stop();
    rmSync(root, { recursive: true });
  });

  const pipelineOf = (task: string) => {
    const text = `version: 1\nname: tasks\nmodel: { source: ${JSON.stringify(join(demoFolder, 'model'))} }\nstages: [{ evaluation: { zeroShot: [${task}] } }]\n`;
    return parsePipeline({ text, path: join(root, 'tasks.yaml') }).pipeline;
  };
  const newBench = (): Workbench => new Workbench(join(root, 'state'), new ArtifactStore(join(root, 'state', 'artifacts')));

  it('are downloaded at the commit of the task file, and recorded in the lock with the task file', async () => {
    const pipeline = pipelineOf('arc_easy');
    const context = await prepareRun({ pipeline }, newBench());
    const name = `${repository}@${revision}/${path}`;
    expect(context.files[name]).toBe(sha256(documents));
    expect(Object.keys(lockedInputs(pipeline, context, root).files)).toEqual(expect.arrayContaining([name, 'tasks/arc_easy.yaml']));
    const [task] = (pipeline.stages[0] as EvaluationStage).zeroShot ?? [];
    const { questions } = await sampleQuestions({ context, task }, newBench());
    expect(questions.documents).toBe(2);
    expect(server.requests.filter((request) => request.includes(path.split('/')[1]))).not.toHaveLength(0);
  });

  it('must be given as a file if the hub does not have them', async () => {
    await expect(prepareRun({ pipeline: pipelineOf('boolq') }, newBench())).rejects.toThrow(/the documents of boolq are not available: .*provide them as a file: \{ task: boolq, file: documents\.jsonl \}/);
  });
});
