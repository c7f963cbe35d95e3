import type { ValueProblem } from './schema-problems.js';
import type { ParsedMember } from './sweep.js';

/** Members of a sweep or search that publish to one place: the last one to end would stay, whichever that is. */
export function publishProblems(members: readonly Pick<ParsedMember, 'name' | 'pipeline'>[]): ValueProblem[] {
  const owners = new Map<string, string>();
  for (const { name, pipeline: { outputs } } of members) {
    if (outputs?.publish === undefined) continue;
    const place = `${outputs.publish.repository}@${outputs.publish.branch}`;
    const other = owners.get(place);
    if (other === undefined) owners.set(place, name);
    else return [{ pointer: '/pipeline', part: 'value', message: `members \`${other}\` and \`${name}\` both publish to ${place}; expected a place for each. Vary \`outputs.publish.repository\`, or publish the member that you choose with \`temporal-pipeline publish\`.` }];
  }
  return [];
}
