import { readFileSync } from 'node:fs';
import { thisMachine } from './this-machine.js';

/** Identifies a process. Distinguishes it from a later process with the same id, and from processes of other machines. */
export interface ProcessIdentity {
  pid: number;
  /** The name from {@link thisMachine}; absent in records of earlier versions, which were always of the same machine. */
  machine?: string;
  /** Start of the process in the kernel's clock ticks, if the system tells (Linux). */
  started?: string;
}

/** State and start of a process, from /proc/<pid>/stat. The name in the second field may contain spaces and parentheses. */
function stat(pid: number): { state?: string; started?: string } {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return { state: fields[0], started: fields[19] };
  } catch {
    return {};
  }
}

/** Start of a running process. A zombie counts as ended, although its id is still in use. */
function startTicks(pid: number): string | undefined {
  const { state, started } = stat(pid);
  return state === 'Z' ? undefined : started;
}

export function identify(pid: number): ProcessIdentity {
  return { pid, started: startTicks(pid), machine: thisMachine() };
}

/** Whether a process runs, or ran, on this machine. */
export function isOfThisMachine({ machine }: Pick<ProcessIdentity, 'machine'>): boolean {
  return machine === undefined || machine === thisMachine();
}

/** Whether this very process still runs on this machine. Always false for processes of other machines. */
export function isAlive({ pid, started, machine }: ProcessIdentity): boolean {
  if (!isOfThisMachine({ machine })) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM: the process exists but belongs to another user.
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  return started === undefined || startTicks(pid) === started;
}

/** Whether a process is stopped by a signal or a debugger, if the system tells (Linux). */
export function isStopped({ pid }: ProcessIdentity): boolean {
  return stat(pid).state?.toUpperCase() === 'T';
}
