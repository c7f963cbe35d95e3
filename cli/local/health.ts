import { Connection } from '@temporalio/client';

/** Whether a Temporal server with its namespace `default` answers there, within two seconds. */
export async function answers(address: string): Promise<boolean> {
  let connection: Connection | undefined;
  try {
    connection = await Connection.connect({ address, tls: false, interceptors: [], connectTimeout: 2_000 });
    const { workflowService } = connection;
    await connection.withDeadline(Date.now() + 2_000, () => workflowService.describeNamespace({ namespace: 'default' }));
    return true;
  } catch {
    return false;
  } finally {
    await connection?.close();
  }
}
