import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { CommandLineError } from '../errors.js';
import { exitCode } from '../exit-codes.js';
import { Backoff } from './backoff.js';
import { describeEnd, endOf } from './worker-process.js';

/**
 * The devices of `--devices 0,1,2`: numbers as `nvidia-smi -L` has them, or identifiers.
 * @throws CommandLineError
 */
export function parseDevices(text: string): string[] {
  const devices = text.split(',').map((one) => one.trim());
  const refuse = (what: string): never => {
    throw new CommandLineError({ where: '--devices', what, expected: 'numbers or identifiers of GPUs, separated by commas, such as 0,1,2 (`nvidia-smi -L` lists them)', remedy: 'Correct it' });
  };
  for (const device of devices) {
    if (!/^(\d+|GPU-[\da-f-]+)$/i.test(device)) refuse(`${JSON.stringify(device)} is not a device`);
  }
  const twice = devices.find((device, i) => devices.indexOf(device) !== i);
  if (twice !== undefined) refuse(`device ${twice} is listed twice`);
  return devices;
}

/** From the ports of one worker to those of the next: metrics and health often have neighbours. */
const portStep = 10;

/**
 * An address for the worker of each device: the port of the first one, and then always 10 more. Port 0 stays: each gets a free one.
 * @param address `host:port`
 * @throws CommandLineError if there is no such port
 */
export function addressOf(address: string, index: number): string {
  const [, host, port] = /^(.*):(\d+)$/.exec(address) ?? [];
  if (host === undefined || port === '0') return address;
  const own = Number(port) + portStep * index;
  if (own > 65_535) throw new CommandLineError({ where: '--devices', what: `worker ${index + 1} would listen on port ${own}`, expected: `a port up to ${65_535 - portStep * index}: each worker has one that is ${portStep} higher`, remedy: 'Choose a lower one' });
  return `${host}:${own}`;
}

export interface DeviceWorkers {
  devices: readonly string[];
  /** The command line of the worker of a device, without the program. */
  command: (index: number) => readonly string[];
  /** The program, as arguments of Node. */
  program: readonly string[];
  /** Ends the workers: once in order, a second time at once. */
  signals: NodeJS.EventEmitter;
  say: (line: string) => void;
}

/**
 * Serves with one worker process for each device, until told to stop (SIGTERM, SIGINT). A worker that ends by itself is started again,
 * unless its first start finds the command line wrong: then all end.
 * @returns the exit code
 */
export async function serveDevices({ devices, command, program, signals, say }: DeviceWorkers): Promise<number> {
  const running = new Set<ChildProcess>();
  const stop = new AbortController();
  let wrong: number | undefined;
  const stopAll = (): void => {
    stop.abort();
    for (const child of running) child.kill('SIGTERM');
  };
  signals.on('SIGTERM', stopAll).on('SIGINT', stopAll);
  const keep = async (device: string, index: number): Promise<void> => {
    const backoff = new Backoff();
    for (let starts = 1; !stop.signal.aborted; starts++) {
      const began = Date.now();
      const child = spawn(process.execPath, [...program, ...command(index)], {
        // CUDA would count from the fastest device on; nvidia-smi counts by slot.
        env: { ...process.env, CUDA_DEVICE_ORDER: 'PCI_BUS_ID', CUDA_VISIBLE_DEVICES: device },
        // Detached: a Ctrl-C in this terminal is for us, who pass it on once. The channel tells the worker when we are gone.
        detached: true,
        stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
      });
      running.add(child);
      if (child.stderr !== null) createInterface(child.stderr).on('line', (line) => { say(`device ${device}: ${line}`); });
      const end = await endOf(child, 'close');
      running.delete(child);
      if (stop.signal.aborted) return;
      // Later it is not the command line: a key or a disk has changed, and other workers may still do well.
      if (end.code === exitCode.wrongInput && starts === 1) {
        wrong = end.code;
        stopAll();
        return;
      }
      say(`device ${device}: its worker ${describeEnd(end)}; starting another one. Finished layers are kept.`);
      await sleep(backoff.next(Date.now() - began), undefined, { signal: stop.signal }).catch(() => undefined);
    }
  };
  try {
    await Promise.all(devices.map(keep));
    return wrong ?? exitCode.done;
  } finally {
    signals.off('SIGTERM', stopAll).off('SIGINT', stopAll);
  }
}
