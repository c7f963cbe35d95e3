/**
 * Gets what runs need where it is missing: npm packages of workers, TensorFlow, the Temporal CLI. `runPipeline` and `createWorker`
 * do so, too. Says its steps on stderr.
 * @throws SetUpError
 */
export async function setUp(): Promise<void> {
  const { setUpOnFirstUse } = await import('../cli/first-use.js');
  await setUpOnFirstUse();
}
