import type { PublishTarget } from '../../app/config/pipeline.js';
// Imported directly and not from an index: the hub's library is large, and few runs publish.
import { checkMayWrite } from '../../files/hub/may-write.js';
import { hubSettings } from '../../files/hub/settings.js';
import { PublishNotAllowedError } from '../errors.js';

/**
 * Checks at the start of a run that it may be published at its end.
 * @param allowed organisations; any if undefined
 * @throws PublishNotAllowedError, HubAccessError if there is no token
 */
export function checkMayPublish({ repository, branch }: PublishTarget, allowed: readonly string[] | undefined): void {
  const [organisation] = repository.split('/');
  if (allowed !== undefined && !allowed.includes(organisation)) throw new PublishNotAllowedError(repository, allowed);
  checkMayWrite(hubSettings(), { type: 'model', repository, revision: branch });
}
