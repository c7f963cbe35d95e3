import { readFileSync, writeFileSync } from 'node:fs';

/** Begins to measure the process' peak of resident memory again. Linux only; elsewhere the peak is that of the whole process. */
export function resetPeak(): void {
  try {
    writeFileSync('/proc/self/clear_refs', '5');
  } catch {
    // Not on this system, or not allowed.
  }
}

/** Largest resident memory since {@link resetPeak}, in bytes. */
export function peakBytes(): number {
  try {
    const [, kilobytes] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
    if (kilobytes !== undefined) return 1024 * Number(kilobytes);
  } catch {
    // As above.
  }
  return 1024 * process.resourceUsage().maxRSS;
}
