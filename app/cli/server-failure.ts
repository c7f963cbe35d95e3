import { ServiceError } from '@temporalio/client';
import { NamespaceNotFoundError } from '@temporalio/common';
import { isOutage } from './client.js';

/** Explains an error of Temporal's client to a person; undefined for any other error. */
export function serverFailure(error: unknown): { text: string; isWrongInput: boolean } | undefined {
  if (isOutage(error)) return { text: 'The Temporal server does not answer. Run the same command again.', isWrongInput: false };
  if (error instanceof NamespaceNotFoundError) {
    return { text: `The Temporal server has no namespace ${error.namespace}. Set TEMPORAL_NAMESPACE to one that exists.`, isWrongInput: true };
  }
  return error instanceof ServiceError ? { text: refusal(error), isWrongInput: false } : undefined;
}

/** For example, a missing permission. */
function refusal({ message, cause }: ServiceError): string {
  const reason = cause instanceof Error && 'details' in cause && typeof cause.details === 'string' ? `: ${cause.details}` : '';
  return `The Temporal server refuses the request: ${message}${reason}.`;
}
