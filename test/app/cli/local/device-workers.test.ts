/** One worker process per GPU: `worker --devices`. */
import { EventEmitter } from 'node:events';
import { createServer } from 'node:net';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addressOf, parseDevices, serveDevices } from '../../../../app/cli/local/device-workers.js';
import { CommandLineError } from '../../../../app/cli/errors.js';
import { freePort } from '../../../../app/cli/local/ports.js';
import { requireTemporalCli } from '../../../helpers/set-up.js';
import { ownNamespace, type OwnNamespace } from '../../../helpers/shared-server.js';
import { startProgram } from '../run-program.js';

const folder = mkdtempSync(path.join(tmpdir(), 'devices-'));
afterAll(() => { rmSync(folder, { recursive: true }); });

/** A stand-in for a worker: prints which device it sees, and does what its task says. */
const standIn = path.join(folder, 'worker.mjs');
writeFileSync(standIn, `
import { appendFileSync, readFileSync } from 'node:fs';
const [task, log] = process.argv.slice(2);
appendFileSync(log, process.env.CUDA_VISIBLE_DEVICES + '\\n');
console.error('sees ' + process.env.CUDA_VISIBLE_DEVICES);
if (task === 'crash') process.kill(process.pid, 'SIGKILL');
if (task === 'refuse later') process.exit(readFileSync(log, 'utf8').split('\\n').length > 3 ? 2 : 1);
if (task === 'refuse') process.exit(2);
process.on('SIGTERM', () => process.exit(0));
process.once('disconnect', () => process.exit(0));
`);

/** Finds a free port such that the ports 1, 10 and 11 above it are free too. */
async function freePorts(): Promise<number> {
  const isFree = async (port: number): Promise<boolean> => {
    const server = createServer();
    const free = await new Promise<boolean>((resolve) => server.once('error', () => { resolve(false); }).listen(port, '127.0.0.1', () => { resolve(true); }));
    if (free) server.close();
    return free;
  };
  for (;;) {
    const port = await freePort();
    if ((await Promise.all([1, 10, 11].map((more) => isFree(port + more)))).every(Boolean)) return port;
  }
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(10);
}

/** Serves two devices with stand-ins. */
function serve(tasks: readonly string[]): { said: string[]; seen: () => string[]; signals: EventEmitter; ended: Promise<number> } {
  const log = path.join(folder, `${tasks.join('-')}.log`);
  writeFileSync(log, '');
  const said: string[] = [];
  const signals = new EventEmitter();
  const ended = serveDevices({ devices: ['3', '5'], program: [standIn], command: (index) => [tasks[index], log], signals, say: (line) => said.push(line) });
  return { said, seen: () => readFileSync(log, 'utf8').split('\n').filter((line) => line !== ''), signals, ended };
}

describe('the workers of several devices', () => {
  it('each see their own device, and end when told to', async () => {
    const { said, seen, signals, ended } = serve(['wait', 'wait']);
    await until(() => said.length === 2);
    signals.emit('SIGTERM');
    expect(await ended).toBe(0);
    expect(seen().sort()).toEqual(['3', '5']);
    expect(said.sort()).toEqual(['device 3: sees 3', 'device 5: sees 5']);
    expect(signals.listenerCount('SIGTERM')).toBe(0);
  });

  it('are restarted when they crash, without touching the others', async () => {
    const { said, seen, signals, ended } = serve(['wait', 'crash']);
    await until(() => seen().filter((device) => device === '5').length >= 2 && seen().includes('3'));
    signals.emit('SIGINT');
    expect(await ended).toBe(0);
    expect(seen().filter((device) => device === '3')).toHaveLength(1);
    expect(said).toContain('device 5: its worker was killed by SIGKILL; starting another one. Finished layers are kept.');
  });

  it('all end if the command line is wrong', async () => {
    expect(await serve(['wait', 'refuse']).ended).toBe(2);
  });

  it('keep running if another one fails after its first start', async () => {
    const { seen, signals, ended } = serve(['wait', 'refuse later']);
    await until(() => seen().filter((device) => device === '5').length >= 3 && seen().includes('3'));
    signals.emit('SIGTERM');
    expect(await ended).toBe(0);
    expect(seen().filter((device) => device === '3')).toHaveLength(1);
  });
});

it('reads the list of devices', () => {
  expect(parseDevices('0, 2,GPU-8f2c1d3e-0000-1111-2222-333344445555')).toEqual(['0', '2', 'GPU-8f2c1d3e-0000-1111-2222-333344445555']);
  for (const [list, what] of [['', '"" is not a device'], ['0,', '"" is not a device'], ['0,-1', '"-1" is not a device'], ['all', '"all" is not a device'], ['1,0,1', 'device 1 is listed twice']]) {
    expect(() => parseDevices(list)).toThrow(CommandLineError);
    expect(() => parseDevices(list)).toThrow(what);
  }
});

it('gives each worker its own port', () => {
  expect([0, 1, 3].map((index) => addressOf('127.0.0.1:9464', index))).toEqual(['127.0.0.1:9464', '127.0.0.1:9474', '127.0.0.1:9494']);
  expect(() => addressOf('127.0.0.1:65530', 1)).toThrow(/worker 2 would listen on port 65540/);
  expect(addressOf('[::1]:0', 2)).toBe('[::1]:0');
});

describe('temporal-pipeline worker --devices', () => {
  requireTemporalCli();
  let own: OwnNamespace;
  beforeAll(async () => { own = await ownNamespace('devices'); });
  afterAll(async () => { await own?.client.connection.close(); });

  it('serves a task queue with one worker for each device', async () => {
    const port = await freePorts();
    // Two neighbouring devices, as in the documentation.
    const program = startProgram('temporal-pipeline', ['worker', '--devices', '0,1', '--state', path.join(folder, 'state'), '--metrics', `127.0.0.1:${port}`, '--health', `127.0.0.1:${port + 1}`], { env: own.env });
    await until(() => (program.said().match(/device \d: Serving task queue/g)?.length ?? 0) === 2 || program.process.exitCode !== null);
    for (const each of [port + 1, port + 11]) expect((await fetch(`http://127.0.0.1:${each}/readyz`)).status).toBe(200);
    expect((await fetch(`http://127.0.0.1:${port + 10}/metrics`)).status).toBe(200);
    program.process.kill('SIGTERM');
    expect(await program.ended).toMatchObject({ code: 0 });
  });

  it('refuses an invalid list', async () => {
    const { code, stderr } = await startProgram('temporal-pipeline', ['worker', '--devices', '0,0']).ended;
    expect(code).toBe(2);
    expect(stderr).toMatch(/--devices: device 0 is listed twice; expected numbers or identifiers of GPUs/);
  });
});
