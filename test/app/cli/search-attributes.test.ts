import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Client } from '@temporalio/client';
import { connectClient } from '../../../app/cli/client.js';
import { localConnection } from '../../../app/cli/connection.js';
import { answers } from '../../../app/cli/local/health.js';
import { freePort } from '../../../app/cli/local/ports.js';
import { registerHint } from '../../../app/cli/search-attributes.js';
import { pipelineStart } from '../../../app/cli/start-pipeline.js';
import { pipelineWorkflow } from '../../../workflows/protocol.js';
import { demoPipeline } from '../../helpers/demo-run.js';
import { requireTemporalCli } from '../../helpers/set-up.js';

const cli = requireTemporalCli();

describe('labels on a server that is not ours', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'labels-'));
  let address = '';
  let client: Client;
  let server: ChildProcess;

  beforeAll(async () => {
    const port = await freePort();
    address = `127.0.0.1:${port}`;
    // One of our attributes exists already.
    const words = ['server', 'start-dev', '--headless', '--ip', '127.0.0.1', '--port', `${port}`, '--db-filename', path.join(folder, 'server.db')];
    server = spawn(cli ?? '', [...words, '--search-attribute', 'PruningGate=Keyword'], { stdio: 'ignore' });
    while (!(await answers(address))) await sleep(50);
    client = await connectClient(localConnection(address));
  });
  afterEach(() => {
    vi.unstubAllEnvs();
  });
  afterAll(async () => {
    await client.connection.close();
    server.kill();
    await once(server, 'exit');
    rmSync(folder, { recursive: true });
  });

  const query = "PruningModel = 'model' AND PruningSparsity = 0.5 AND PruningPattern = 'unstructured' AND PruningMethods = 'wanda'";
  async function start(workflowId: string): Promise<boolean> {
    const { start, findable } = await pipelineStart(client, { pipeline: demoPipeline(), configDigest: '0' }, 'nobody');
    await client.workflow.start(pipelineWorkflow, { ...start, workflowId });
    const { memo } = await client.workflow.getHandle(workflowId).describe();
    expect(memo).toMatchObject({ pipeline: 'small', model: 'model', sparsity: 0.5, methods: ['wanda', 'published'] });
    return findable;
  }
  async function found(): Promise<string[]> {
    const ids: string[] = [];
    for await (const { workflowId } of client.workflow.list({ query })) ids.push(workflowId);
    return ids;
  }

  it('are left out if their search attributes are not registered, and the command shown registers them', async () => {
    vi.stubEnv('TEMPORAL_ADDRESS', address);
    expect(await start('before')).toBe(false);
    const [program, ...words] = /: (temporal operator .*)$/.exec(registerHint)?.[1].split(' ') ?? [];
    expect(program).toBe('temporal');
    execFileSync(cli ?? '', [...words, '--address', address], { stdio: 'ignore' });
    expect(await start('after')).toBe(true);
    while ((await found()).length === 0) await sleep(100);
    expect(await found()).toEqual(['after']);
  });
});
