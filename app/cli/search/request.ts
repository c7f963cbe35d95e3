import { digestOf } from '../../../files/artifacts/digest.js';
import type { ParsedSearch } from '../../config/index.js';
import type { SearchRequest } from '../../../workflows/search-protocol.js';
import { asMember } from '../sweep/request.js';

/** The argument of a search's workflow. */
export function searchRequestFor({ name, over, source, members }: ParsedSearch): SearchRequest {
  const base = members[0].pipeline;
  return { name, over, base, members: members.map((member) => asMember(member, base)), searchable: [], source };
}

/** The same points of the same pipelines have the same id, so starting a search again attaches to it, or reuses its finished work. */
export function searchIdOf({ name, members }: SearchRequest): string {
  const digest = digestOf({ search: members.map((member) => [member.name, member.configDigest]) });
  return `${name}-${digest.slice(0, 16)}`;
}
