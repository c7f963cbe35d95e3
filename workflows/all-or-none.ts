import { CancellationScope } from '@temporalio/workflow';

/**
 * Runs everything in parallel. If one fails, it cancels the others and waits until they have ended, so that they do not go on beside a run
 * that starts over.
 * @throws the first error
 */
export async function allOrNone<Result>(works: readonly (() => Promise<Result>)[]): Promise<Result[]> {
  const scope = new CancellationScope();
  return scope.run(async () => {
    const inFlight = works.map((work) => work());
    try {
      return await Promise.all(inFlight);
    } catch (error) {
      scope.cancel();
      await Promise.allSettled(inFlight);
      throw error;
    }
  });
}
