import { HubAccessError } from './errors.js';
import { describeRepository, type Repository } from './repository.js';
import type { HubSettings } from './settings.js';

/** Checks that there is a token and that the hub may be contacted. @throws HubAccessError */
export function checkMayWrite({ token, offline }: HubSettings, subject: Repository): void {
  const where = describeRepository(subject);
  if (offline) throw new HubAccessError({ where, what: 'HF_HUB_OFFLINE is set, so the hub is not contacted', remedy: 'Unset it to publish' });
  if (token !== undefined) return;
  throw new HubAccessError({ where, what: 'no token was given', expected: 'a token that may write to the repository', remedy: 'Set HF_TOKEN' });
}
