/** Address of a run's page. */
export const runPath = (workflowId: string): string => `/runs/${encodeURIComponent(workflowId)}`;
