import { execFileSync } from 'node:child_process';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

let known: string | undefined;

/**
 * Names the scope in which process ids are unique: host name, boot id of the kernel, and, on Linux, the process namespace, because each
 * container has its own. The boot id distinguishes clones of a machine, which share a host name and often process ids. After a reboot,
 * a machine has a new name, which is right because none of its processes have survived.
 */
export function thisMachine(): string {
  known ??= [hostname(), bootId(), pidNamespace()].filter((part) => part !== '').join(' ');
  return known;
}

/** A UUID that changes at every boot; empty if the system has none. */
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
