import { readFileSync, writeFileSync } from 'node:fs';

/** Resets the process' peak of resident memory. Linux only; elsewhere the peak is that of the process since its start. */
export function resetPeak(): void {
  try {
    writeFileSync('/proc/self/clear_refs', '5');
  } catch {
    // Not available on this system, or not allowed.
  }
}

/** Returns the largest resident memory since {@link resetPeak}, in bytes. */
export function peakBytes(): number {
  try {
    const [, kilobytes] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
    if (kilobytes !== undefined) return 1024 * Number(kilobytes);
  } catch {
    // As above.
  }
  return 1024 * process.resourceUsage().maxRSS;
}
