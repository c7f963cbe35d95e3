import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { answers } from '../../../../app/cli/local/health.js';
import { superviseServer } from '../../../../app/cli/local/supervise-server.js';
import { ensureLocalServer, leaveLocalServer } from '../../../../app/cli/local/local-server.js';
import { isAlive, recordProcess } from '../../../../app/cli/local/process-records.js';
import { recordServer, runningServer, serverAddress, serverLog } from '../../../../app/cli/local/server-record.js';
import { requireTemporalCli } from '../../../helpers/set-up.js';

requireTemporalCli();

function accepts(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ host, port, timeout: 30_000 }, () => resolve(true));
    for (const event of ['error', 'timeout'] as const) socket.on(event, () => resolve(false));
    socket.on('connect', () => socket.destroy());
  });
}

async function until(condition: () => Promise<boolean> | boolean): Promise<void> {
  while (!(await condition())) await sleep(20);
}

describe('local server', () => {
  let state = '';
  beforeEach(() => {
    state = mkdtempSync(path.join(tmpdir(), 'server-'));
  });
  afterEach(async () => {
    await leaveLocalServer(state);
    rmSync(state, { recursive: true });
  });

  it('starts once for any number of requests, on the loopback interface only, and ends with its last user', async () => {
    const servers = await Promise.all(Array.from({ length: 4 }, () => ensureLocalServer(state)));
    expect(new Set(servers.map(({ pid }) => pid)).size).toBe(1);
    const [server] = servers;
    expect(await answers(serverAddress(server))).toBe(true);
    expect(await accepts('127.0.0.1', server.uiPort)).toBe(true);
    const outside = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []).find(({ internal, family }) => !internal && family === 'IPv4');
    if (outside !== undefined) {
      expect(await accepts(outside.address, server.port)).toBe(false);
      expect(await accepts(outside.address, server.uiPort)).toBe(false);
    }

    const users = path.join(state, 'temporal', 'users');
    await recordProcess(users, process.ppid);
    await leaveLocalServer(state);
    expect(isAlive(server)).toBe(true);
    rmSync(users, { recursive: true });
    await leaveLocalServer(state);
    expect(isAlive(server)).toBe(false);
  });

  it('starts again next to a log of any length and content', async () => {
    mkdirSync(path.dirname(serverLog(state)), { recursive: true });
    writeFileSync(serverLog(state), 'totalDuration=81.497\u00b5s\n'.repeat(100));
    expect(await answers(serverAddress(await ensureLocalServer(state)))).toBe(true);
  });

  it('comes back on the same ports when it is killed while in use', async () => {
    const server = await ensureLocalServer(state);
    const stop = new AbortController();
    const said: string[] = [];
    const keeping = superviseServer(state, stop.signal, (line) => said.push(line));
    process.kill(server.pid, 'SIGKILL');
    // On a busy machine the ports may still be taken at the first attempt.
    await until(() => said.some((line) => line.includes('is back')));
    stop.abort();
    await keeping;
    const again = await runningServer(state);
    expect(again).toMatchObject({ port: server.port, uiPort: server.uiPort });
    expect(again?.pid).not.toBe(server.pid);
    expect(said[0]).toContain('died');
    expect(said.at(-1)).toContain(serverAddress(server));
  });

  it('is not confused with a process that reuses its id, and moves if its ports are taken', async () => {
    const other = mkdtempSync(path.join(tmpdir(), 'server-'));
    try {
      const holder = await ensureLocalServer(other);
      await recordServer(state, { pid: process.pid, started: '1', port: holder.port, uiPort: holder.uiPort });
      const server = await ensureLocalServer(state);
      expect(server.pid).not.toBe(process.pid);
      expect(server.port).not.toBe(holder.port);
    } finally {
      await leaveLocalServer(other);
      rmSync(other, { recursive: true });
    }
  });
});
