import { readFileSync } from 'node:fs';
import { thisMachine } from './this-machine.js';

/** A process that can be told from a later one with the same id, and from those of other machines. */
export interface ProcessIdentity {
  pid: number;
  /** As {@link thisMachine} names it; absent in records of versions before, which are all of one machine. */
  machine?: string;
  /** Start of the process in the kernel's clock ticks, if the system has it (Linux). */
  started?: string;
}

/** State and start of a process, from /proc/<pid>/stat; the name in its second field may hold spaces and parentheses. */
function stat(pid: number): { state?: string; started?: string } {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return { state: fields[0], started: fields[19] };
  } catch {
    return {};
  }
}

/** Start of a process that has not ended. A zombie has ended, although its id is not free yet. */
function startTicks(pid: number): string | undefined {
  const { state, started } = stat(pid);
  return state === 'Z' ? undefined : started;
}

export function identify(pid: number): ProcessIdentity {
  return { pid, started: startTicks(pid), machine: thisMachine() };
}

/** Whether a process is, or was, one of this machine. */
export function isOfThisMachine({ machine }: Pick<ProcessIdentity, 'machine'>): boolean {
  return machine === undefined || machine === thisMachine();
}

/** Whether exactly that process is still there, on this machine. Of another machine's processes nothing is known here. */
export function isAlive({ pid, started, machine }: ProcessIdentity): boolean {
  if (!isOfThisMachine({ machine })) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM: there is one, of another user.
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  return started === undefined || startTicks(pid) === started;
}

/** Whether a process is held by a signal or a debugger, if the system has it (Linux). */
export function isStopped({ pid }: ProcessIdentity): boolean {
  return stat(pid).state?.toUpperCase() === 'T';
}
