import { DefaultFailureConverter } from '@temporalio/common';

/** For workers with a payload key: turns messages and stack traces of failures into payloads, which are encrypted. */
export const failureConverter = new DefaultFailureConverter({ encodeCommonAttributes: true });
