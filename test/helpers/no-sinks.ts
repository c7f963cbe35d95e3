import type { InjectedSinks } from '@temporalio/worker';
import type { RunSinks } from '../../workflows/announce.js';

/** For workers of tests: nobody hears how runs end. */
export const noSinks: InjectedSinks<RunSinks> = { runs: { ended: { fn: () => undefined } } };
