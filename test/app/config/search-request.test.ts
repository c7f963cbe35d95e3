import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { searchIdOf, searchRequestFor } from '../../../app/cli/search/request.js';
import { checkSearchRequest, loadSearch, RequestError } from '../../../app/config/index.js';
import { digestOf, UnsafeNameError } from '../../../files/artifacts/index.js';
import { withChanges } from '../../../workflows/changes.js';
import type { SearchRequest } from '../../../workflows/search-protocol.js';
import { pipelineText } from './helpers.js';

const folder = mkdtempSync(join(tmpdir(), 'search-request-'));
afterAll(() => { rmSync(folder, { recursive: true }); });
const file = (over: string, name = 's.yaml'): string => {
  writeFileSync(join(folder, name), `version: 1\nname: s\npipeline: ./p.yaml\nover: ${over}\n`);
  return join(folder, name);
};
writeFileSync(join(folder, 'p.yaml'), `${pipelineText()}gates: [rebuilt perplexity <= 30]\n`);
const [overSparsity, overPatterns] = [file('{ sparsity: { from: 0.3, to: 0.6, step: 0.1 } }'), file('{ patterns: ["2:4", "1:4"] }', 'patterns.yaml')];
const request = (of = overSparsity): SearchRequest => JSON.parse(JSON.stringify(searchRequestFor(loadSearch(of)))) as SearchRequest;
const check = (sent: unknown, searchId = 's'): Promise<void> => checkSearchRequest(sent, searchId, withChanges);

it('accepts a search from the client', async () => {
  await check(request(), searchIdOf(request()));
  await check(request(overPatterns));
  await check({ ...request(), searchable: ['PruningModel'] });
  await check(searchRequestFor(loadSearch('pipelines/searches/demo.yaml')));
});

it('derives its id from points and pipelines alone', () => {
  expect(searchIdOf(request())).toMatch(/^s-[0-9a-f]{16}$/);
  expect(searchIdOf(request())).toBe(searchIdOf({ ...request(), searchable: ['x'] }));
  expect(searchIdOf(request())).not.toBe(searchIdOf(request(overPatterns)));
});

it.each<[string, (sent: SearchRequest) => unknown, RegExp]>([
  ['no base', (sent) => delete (sent as Partial<SearchRequest>).base, /^request: `base` is missing in the request/],
  ['an unknown state', (sent) => ((sent.base.stages[3] as { states: string[] }).states = ['weird']), /request\.base\.stages\[3\]\.evaluation\.states\[0\]: item 1 of `states` is "weird"/],
  ['nothing to search over', (sent) => (sent.over = {} as never), /^request\.over: `over` has neither/],
  ['sparsities in the wrong order', (sent) => (sent.over = { sparsity: { from: 0.6, to: 0.3, step: 0.1 } }), /request\.over\.sparsity\.to: `to` is 0\.3; expected more than/],
  ['a million points', (sent) => (sent.over = { sparsity: { from: 0.1, to: 0.9, step: 1e-6 } }), /request\.over\.sparsity\.to: there are 800001 sparsities/],
  ['another grid than its members', (sent) => (sent.over = { sparsity: { from: 0.3, to: 0.7, step: 0.1 } }), /request\.members: there are 4; expected 5/],
  ['members in another order', (sent) => sent.members.reverse(), /request\.members\[0\]\.values: they are \{"initialMask\.sparsity":0\.6\}; expected \{"initialMask\.sparsity":0\.3\}/],
  ['members that are not a list', (sent) => (sent.members = {} as never), /request\.members: `members` is a mapping; expected a list/],
  ['a member whose name is a path', (sent) => (sent.members[1].name = '../../x'), /request\.members\[1\]\.name: it is "\.\.\/\.\.\/x"; expected "sparsity=0\.4"/],
  ['changes of a prototype', (sent) => (sent.members[0].changes = [[['__proto__', 'harmed'], true]]), /members\[0\]\.changes: a change names a value that the base pipeline does not have/],
  ['a change to something that is not a sparsity', (sent) => (sent.members[1].changes = [[['stages', 1, 'sparsity'], '0.5']]), /members\[1\]\.pipeline\.stages\[1\]\.initialMask\.sparsity: `sparsity` is "0\.5"/],
  ['the digest of something else', (sent) => (sent.members[0].configDigest = 'x'), /members\[0\]\.configDigest: it is "x"; expected [0-9a-f]{64}/],
  ['a name that is a path', (sent) => (sent.name = '../x'), /request\.name: `name` is "\.\.\/x"; expected letters/],
  ['a relative path', (sent) => (sent.source.path = 'p.yaml'), /request\.source\.path: it is "p\.yaml"; expected an absolute path/],
])('refuses %s', async (_, change, message) => {
  const sent = request();
  change(sent);
  const failing = check(sent);
  await expect(failing).rejects.toBeInstanceOf(RequestError);
  await expect(failing).rejects.toThrow(message);
  expect({}).not.toHaveProperty('harmed');
});

it('refuses points without gates, like the command line', async () => {
  const sent = request();
  delete sent.base.gates;
  sent.members = sent.members.map((member) => ({ ...member, configDigest: digestOf(withChanges(sent.base, member.changes)) }));
  await expect(check(sent)).rejects.toThrow(/^request\.base: the pipeline has no quality gate; expected `gates`/);
});

it.each([undefined, null, 'x', 5, [], {}])('refuses %j instead of a request', async (sent) => {
  await expect(check(sent)).rejects.toBeInstanceOf(RequestError);
});

it('refuses a workflow id that is a path', async () => {
  await expect(check(request(), '../../x')).rejects.toBeInstanceOf(UnsafeNameError);
});
