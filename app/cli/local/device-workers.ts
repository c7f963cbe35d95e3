import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { CommandLineError } from '../errors.js';
import { exitCode } from '../exit-codes.js';
import { Backoff } from './backoff.js';
import { describeEnd, endOf } from './worker-process.js';

/**
 * Parses the devices of `--devices 0,1,2`: numbers or identifiers from `nvidia-smi -L`.
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

/** Distance between the ports of two workers. More than 1, because metrics and health often use neighbouring ports. */
const portStep = 10;

/**
 * Returns the address for the worker of a device. Each worker's port is 10 higher than the previous one. Port 0 stays, so each gets a free port.
 * @param address `host:port` of the first worker
 * @throws CommandLineError if the port would be too high
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
  /** Returns the command line of a device's worker, without the program. */
  command: (index: number) => readonly string[];
  /** The program, as arguments of Node. */
  program: readonly string[];
  /** A first signal lets the workers end in order. A second one ends them immediately. */
  signals: NodeJS.EventEmitter;
  say: (line: string) => void;
}

/**
 * Runs one worker process per device until SIGTERM or SIGINT. A worker that ends by itself is restarted. If its first start reports wrong
 * input, all workers end.
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
        // By default CUDA numbers devices by speed, but nvidia-smi by slot.
        env: { ...process.env, CUDA_DEVICE_ORDER: 'PCI_BUS_ID', CUDA_VISIBLE_DEVICES: device },
        // Detached, so that Ctrl-C in this terminal reaches only this process, which passes it on once.
        // The IPC channel tells the worker when this process is gone.
        detached: true,
        stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
      });
      running.add(child);
      if (child.stderr !== null) createInterface(child.stderr).on('line', (line) => { say(`device ${device}: ${line}`); });
      const end = await endOf(child, 'close');
      running.delete(child);
      if (stop.signal.aborted) return;
      // At a later start the cause is not the command line. A key or a disk may have changed, and other workers may still work.
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
