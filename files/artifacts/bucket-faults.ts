import { Fault } from '../../errors/fault.js';
import { withoutSecrets } from '../../errors/secrets.js';
import { StoreRefusedError, StoreUnreachableError } from './errors.js';

/** What the SDK and S3 servers throw. */
interface S3Error {
  name?: string;
  message?: string;
  code?: string;
  $metadata?: { httpStatusCode?: number };
}

const status = (error: unknown): number | undefined => (error as S3Error).$metadata?.httpStatusCode;

/** Whether the error says that there is no such object. A missing bucket does not count. */
export function isAbsent(error: unknown): boolean {
  const { name } = error as S3Error;
  return name === 'NoSuchKey' || name === 'NotFound';
}

/** Whether a conditional write was refused because its condition is false. */
export function isRefusedCondition(error: unknown): boolean {
  const { name } = error as S3Error;
  return name === 'PreconditionFailed' || name === 'ConditionalRequestConflict' || status(error) === 412;
}

/** What the user can do, by the name of the error. */
const remedies: Record<string, string> = {
  NoSuchBucket: 'Create the bucket, or correct --store (or LLM_BARBER_STORE)',
  InvalidBucketName: 'Correct --store (or LLM_BARBER_STORE)',
  AccessDenied: 'Allow these credentials to read, write, list and delete there',
  CredentialsProviderError: 'Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE, or give the machine a role',
  InvalidAccessKeyId: 'Correct AWS_ACCESS_KEY_ID or the profile',
  // The name that versitygw uses.
  XAdminUserNotFound: 'Correct AWS_ACCESS_KEY_ID or the profile',
  SignatureDoesNotMatch: 'Correct AWS_SECRET_ACCESS_KEY or the profile',
  ExpiredToken: 'Renew the credentials',
  PermanentRedirect: 'Set AWS_REGION to the region of the bucket',
  AuthorizationHeaderMalformed: 'Set AWS_REGION to the region of the bucket',
};

/** The SDK's message if no region is set. */
const noRegion = /region is missing/i;

/**
 * Turns an error of the SDK into one of our faults. StoreUnreachableError is retried, StoreRefusedError ends the work at once.
 * Our own faults and errors of the local disk are returned unchanged.
 */
export function bucketFault(error: unknown, store: string, what: string): unknown {
  if (error instanceof Fault || isLocal(error)) return error;
  const { name = '', code, message = '' } = error as S3Error;
  // The response to a HEAD has no body that could name the error. A wrong clock may be corrected, so RequestTimeTooSkewed is retried.
  const known = status(error) === 403 && remedies[name] === undefined && name !== 'RequestTimeTooSkewed' ? 'AccessDenied' : name;
  const remedy = remedies[known] ?? (noRegion.test(message) ? 'Set AWS_REGION' : undefined);
  const text = withoutSecrets([...new Set([known, code, message].filter((word) => word !== undefined && word !== ''))].join(', '));
  if (remedy !== undefined) return new StoreRefusedError({ where: store, what: `cannot ${what} (${text})`, remedy }, { cause: error });
  return new StoreUnreachableError({ where: store, what: `cannot ${what} (${text})`, remedy: 'This is retried automatically; if it keeps failing, check the server of the bucket' }, { cause: error });
}

/** File system errors name a path. */
function isLocal(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error && 'path' in error;
}
