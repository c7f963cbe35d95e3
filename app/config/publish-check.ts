import type { ValueProblem } from './schema-problems.js';
import type { ParsedMember } from './sweep.js';

/** Returns a problem if two members of a sweep or search publish to the same place. The one that ends last would overwrite the other. */
export function publishProblems(members: readonly Pick<ParsedMember, 'name' | 'pipeline'>[]): ValueProblem[] {
  const owners = new Map<string, string>();
  for (const { name, pipeline: { outputs } } of members) {
    if (outputs?.publish === undefined) continue;
    const place = `${outputs.publish.repository}@${outputs.publish.branch}`;
    const other = owners.get(place);
    if (other === undefined) owners.set(place, name);
    else return [{ pointer: '/pipeline', part: 'value', message: `members \`${other}\` and \`${name}\` both publish to ${place}; expected a different place for each. Vary \`outputs.publish.repository\`, or publish the member that you choose with \`temporal-pipeline publish\`.` }];
  }
  return [];
}
