import type { InjectedSinks } from '@temporalio/worker';
import type { RunSinks } from '../../workflows/run-end.js';

/** For workers of tests, whose runs need not report how they end. */
export const noSinks: InjectedSinks<RunSinks> = { runs: { ended: { fn: () => undefined } } };
