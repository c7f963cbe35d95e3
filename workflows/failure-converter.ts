import { DefaultFailureConverter } from '@temporalio/common';

/** For workers with a payload key: messages and stack traces of failures become payloads, which are encrypted. */
export const failureConverter = new DefaultFailureConverter({ encodeCommonAttributes: true });
