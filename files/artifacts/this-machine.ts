import { execFileSync } from 'node:child_process';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

let known: string | undefined;

/**
 * Names the machine on which this process runs, as far as process ids mean the same thing: its host name, the id that the kernel
 * drew when it started, and, on Linux, the process namespace, which containers have of their own. Clones of a machine have one
 * name and often equal process ids; their kernels have started apart. A machine that starts again is another one, too: none of its
 * processes have survived.
 */
export function thisMachine(): string {
  known ??= [hostname(), bootId(), pidNamespace()].filter((part) => part !== '').join(' ');
  return known;
}

/** A UUID that is new at every start of the kernel; empty if the system has none. */
function bootId(): string {
  try {
    if (process.platform === 'darwin') return execFileSync('/usr/sbin/sysctl', ['-n', 'kern.bootsessionuuid'], { encoding: 'utf8', timeout: 5_000 }).trim();
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return '';
  }
}

function pidNamespace(): string {
  try {
    return readlinkSync('/proc/self/ns/pid');
  } catch {
    return '';
  }
}
