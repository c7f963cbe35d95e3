import { readFileSync } from 'node:fs';
import { availableParallelism, loadavg } from 'node:os';

/** Processor time of the whole machine since its start, in seconds. */
export interface ProcessorTimes {
  /** Time of everything that ran. */
  busy: number;
  idle: number;
  /** Time that the hypervisor gave to other machines. */
  stolen: number;
}

/** Share of the machine above which a measurement cannot be trusted. */
const tolerated = 0.15;
/** The kernel counts in hundredths of a second. */
const ticks = 100;

/** @param stat text of `/proc/stat` @returns undefined if the text has no processor times */
export function processorTimes(stat = readStat()): ProcessorTimes | undefined {
  const numbers = /^cpu\s+(.+)$/m.exec(stat)?.[1]?.trim().split(/\s+/).map(Number);
  if (numbers === undefined || numbers.length < 8 || numbers.some((value) => !Number.isFinite(value))) return undefined;
  const [user, nice, system, idle, wait, interrupts, soft, stolen] = numbers.map((value) => value / ticks);
  return { busy: user + nice + system + interrupts + soft, idle: idle + wait, stolen };
}

/**
 * Describes in words what else the machine did during a measurement; undefined if that was negligible.
 *
 * @param own seconds of processor time that the measurement itself took
 */
export function otherWork(before: ProcessorTimes | undefined, after: ProcessorTimes | undefined, own: number): string | undefined {
  if (before === undefined || after === undefined) return undefined;
  const stolen = after.stolen - before.stolen;
  const busy = after.busy - before.busy;
  const all = busy + stolen + after.idle - before.idle;
  if (!(all > 0)) return undefined;
  const percent = (seconds: number): string => `${Math.round((100 * seconds) / all)} %`;
  if (stolen > tolerated * all) return `other virtual machines took ${percent(stolen)} of its processors`;
  return busy - own > tolerated * all ? `other processes took ${percent(busy - own)} of its processors` : undefined;
}

/** The same before a measurement, from the load of the last minute, if the kernel does not count. */
export function otherLoad([load] = loadavg(), processors = availableParallelism()): string | undefined {
  return load > tolerated * processors * 2 ? `its load was ${load.toFixed(1)} with ${processors} processors` : undefined;
}

function readStat(): string {
  try {
    return readFileSync('/proc/stat', 'utf8');
  } catch {
    return '';
  }
}
