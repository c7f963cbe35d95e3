import { EventEmitter } from 'node:events';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ComputeHost } from '../../../activities/compute/host.js';

/** A compute process that ends only when the test says so, like one that the kernel is still cleaning up. */
class FakeProcess extends EventEmitter {
  pid = 1;
  stdout = null;
  stderr = null;
  killed = false;
  readonly sent: { kind: string; id?: number; environment?: Record<string, string> }[] = [];
  kill(): boolean {
    return (this.killed = true);
  }
  send(message: { kind: string; id?: number }): void {
    this.sent.push(message);
  }
  end(): void {
    this.emit('exit', null, 'SIGKILL');
  }
}

const forked = vi.hoisted(() => [] as { child: unknown; environment: NodeJS.ProcessEnv }[]);
vi.mock('node:child_process', () => ({
  fork: (_entry: string, _words: string[], { env }: { env: NodeJS.ProcessEnv }) => {
    const child = new FakeProcess();
    forked.push({ child, environment: env });
    return child;
  },
}));
const processes = (): FakeProcess[] => forked.map(({ child }) => child as FakeProcess);
const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));
const never = new AbortController().signal;
const quiet = (): void => undefined;

beforeEach(() => {
  forked.length = 0;
});
afterEach(() => {
  vi.unstubAllEnvs();
});

describe('a new compute process', () => {
  it('starts only after the previous one has ended', async () => {
    const host = new ComputeHost({ state: '/state', onOutput: quiet });
    const cancel = new AbortController();
    const first = host.run('prepareRun', {}, cancel.signal, quiet);
    await turn();
    cancel.abort(new Error('cancelled'));
    // The old process still exists and holds its memory.
    processes()[0].emit('message', { id: 1, kind: 'done', result: 'late' });
    await first.catch(quiet);
    const second = host.run('prepareRun', {}, never, quiet);
    await turn();
    expect(processes()[0].killed).toBe(true);
    expect(processes()).toHaveLength(1);
    processes()[0].end();
    await turn();
    expect(processes()).toHaveLength(2);
    const id = processes()[1].sent.find(({ kind }) => kind === 'task')?.id;
    processes()[1].emit('message', { id, kind: 'done', result: 'made' });
    await expect(second).resolves.toBe('made');
  });

  it('does not block a task that is cancelled while waiting for it', async () => {
    const host = new ComputeHost({ state: '/state', onOutput: quiet });
    const first = host.run('prepareRun', {}, never, quiet);
    await turn();
    processes()[0].emit('message', { id: 1, kind: 'done', result: 'made' });
    await first;
    host.stop();
    const cancel = new AbortController();
    const second = host.run('prepareRun', {}, cancel.signal, quiet);
    await turn();
    cancel.abort(new Error('cancelled'));
    await expect(second).rejects.toThrow('cancelled');
    expect(processes()).toHaveLength(1);
  });

  it('receives the secrets that it needs, but not in its environment', async () => {
    vi.stubEnv('HF_TOKEN', 'hf_secret');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'aws-secret');
    vi.stubEnv('TEMPORAL_API_KEY', 'temporal-secret');
    vi.stubEnv('SOME_OTHER_TOKEN', 'other-secret');
    for (const [store, secrets] of [[undefined, { HF_TOKEN: 'hf_secret' }], ['s3://bucket', { HF_TOKEN: 'hf_secret', AWS_SECRET_ACCESS_KEY: 'aws-secret' }]] as const) {
      forked.length = 0;
      void new ComputeHost({ state: '/state', ...(store !== undefined && { store }), onOutput: quiet }).run('prepareRun', {}, never, quiet);
      await turn();
      expect(JSON.stringify(forked[0].environment)).not.toContain('secret');
      expect(processes()[0].sent.map(({ kind }) => kind)).toEqual(['secrets', 'task']);
      expect(processes()[0].sent[0].environment).toEqual(secrets);
    }
  });
});
