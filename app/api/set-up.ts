/**
 * Installs what runs need and is missing: npm packages of workers, TensorFlow, the Temporal CLI. `runPipeline` and `createWorker` do this
 * too. Reports its steps on stderr.
 * @throws SetUpError
 */
export async function setUp(): Promise<void> {
  const { setUpOnFirstUse } = await import('../cli/first-use.js');
  await setUpOnFirstUse();
}
