import type { ScheduleOptions, ScheduleOverlapPolicy } from '@temporalio/client';
import { CommandLineError } from '../errors.js';
import { durationText, parseDuration } from './duration.js';

/** What happens when a run is due and the last run has not ended, by its name on the command line. */
export const overlapPolicies = {
  skip: 'SKIP',
  'buffer-one': 'BUFFER_ONE',
  'buffer-all': 'BUFFER_ALL',
  'cancel-other': 'CANCEL_OTHER',
  'terminate-other': 'TERMINATE_OTHER',
  'allow-all': 'ALLOW_ALL',
} as const satisfies Record<string, ScheduleOverlapPolicy>;

export type OverlapName = keyof typeof overlapPolicies;

/** The command line's name of a policy; the server's own default is `skip`. */
export function overlapName(policy: ScheduleOverlapPolicy): OverlapName {
  return (policy?.toLowerCase().replace('_', '-') as OverlapName | undefined) ?? 'skip';
}

/** Options of `schedule create` for the times, as given. */
export interface TimingOptions {
  cron?: string;
  every?: string;
  jitter?: string;
  timeZone?: string;
  overlap: OverlapName;
  catchUp?: string;
  pauseOnFailure: boolean;
}

export interface Timing {
  spec: ScheduleOptions['spec'];
  policies: NonNullable<ScheduleOptions['policies']>;
  /** In words: `cron 0 3 * * *, Europe/Berlin`, `every 6h`. */
  times: string;
}

/** The server accepts no smaller window, and silently uses this one instead. */
const minCatchUpMs = 10_000;

/**
 * Parses when a schedule fires. The server checks cron expressions and time zones, because it has its own table of zones.
 * @throws CommandLineError
 */
export function parseTiming({ cron, every, jitter, timeZone, overlap, catchUp, pauseOnFailure }: TimingOptions): Timing {
  if ((cron === undefined) === (every === undefined)) {
    const what = cron === undefined ? 'neither --cron nor --every is given' : '--cron and --every are both given';
    throw new CommandLineError({ what, expected: 'one of them', remedy: 'For example --cron "0 3 * * *" (daily at 3) or --every 6h' });
  }
  if (every !== undefined && timeZone !== undefined) {
    throw new CommandLineError({ what: '--time-zone has no meaning with --every', remedy: 'Leave it out, or say the times with --cron' });
  }
  const catchupWindow = catchUp === undefined ? undefined : parseDuration(catchUp, '--catch-up');
  if (catchupWindow !== undefined && catchupWindow < minCatchUpMs) {
    throw new CommandLineError({ what: `--catch-up ${catchUp} is too short`, expected: `at least ${durationText(minCatchUpMs)}` });
  }
  const spread = jitter === undefined ? {} : { jitter: parseDuration(jitter, '--jitter') };
  const policies = { overlap: overlapPolicies[overlap], catchupWindow, pauseOnFailure };
  if (cron !== undefined) {
    return { spec: { cronExpressions: [cron], timezone: timeZone, ...spread }, policies, times: `cron ${cron}, ${timeZone ?? 'UTC'}` };
  }
  const period = parseDuration(every ?? '', '--every');
  if (period < 1000) throw new CommandLineError({ what: `--every ${every} is too short`, expected: 'at least 1s' });
  return { spec: { intervals: [{ every: period }], ...spread }, policies, times: `every ${durationText(period)}` };
}
