import { Connection } from '@temporalio/client';

/** The name of the service for clients, in the health service of a Temporal server. */
const workflowService = 'temporal.api.workflowservice.v1.WorkflowService';
/** `SERVING` of the gRPC health protocol. */
const serving = 1;

/** Whether a Temporal server answers that it serves and has the namespace, within two seconds each. */
export async function answers(address: string, namespace = 'default'): Promise<boolean> {
  let connection: Connection | undefined;
  try {
    connection = await Connection.connect({ address, tls: false, interceptors: [], connectTimeout: 2_000 });
    const { healthService, workflowService: service } = connection;
    const { status } = await connection.withDeadline(Date.now() + 2_000, () => healthService.check({ service: workflowService }));
    if (Number(status) !== serving) return false;
    await connection.withDeadline(Date.now() + 2_000, () => service.describeNamespace({ namespace }));
    return true;
  } catch {
    return false;
  } finally {
    await connection?.close();
  }
}
