/** What set-up is about to fetch, how large that is, and how long it takes. */
export function describeSetUp(): string;
/** Gets what pipelines need. `tests`: what only tests need, too. `stream`: where each step is said. @throws with what stopped it */
export function setUp(options?: { tests?: boolean; stream?: NodeJS.WritableStream }): Promise<void>;
