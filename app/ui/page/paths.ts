/** Address of a run's page. */
export const runPath = (workflowId: string): string => `/runs/${encodeURIComponent(workflowId)}`;
/** Address of the page of a sweep or a search. */
export const familyPath = ({ noun, workflowId }: { noun: 'sweep' | 'search'; workflowId: string }): string => `/${noun === 'sweep' ? 'sweeps' : 'searches'}/${encodeURIComponent(workflowId)}`;
