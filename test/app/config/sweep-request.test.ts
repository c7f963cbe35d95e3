import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { addedMembers, sweepRequestFor } from '../../../app/cli/sweep/request.js';
import { UnsafeNameError } from '../../../files/artifacts/index.js';
import { checkSweepRequest, loadSweep, parseSweep, RequestError } from '../../../app/config/index.js';
import { withChanges } from '../../../workflows/changes.js';
import type { MemberOutcome, SweepRequest } from '../../../workflows/sweep-protocol.js';
import { pipelineText } from './helpers.js';

const folder = mkdtempSync(join(tmpdir(), 'sweep-request-'));
afterAll(() => { rmSync(folder, { recursive: true }); });

const file = 'version: 1\nname: s\npipeline: ./p.yaml\nmatrix: { initialMask.sparsity: [0.4, 0.5], rebuild.ratio: [0.1, 0.2] }\nexclude: [{ rebuild.ratio: 0.1, initialMask.sparsity: 0.4 }]\ninclude: [{ initialMask.sparsity: 0.7 }]\n'
  + 'stopWhen: { metric: perplexity.rebuilt, above: 100, along: initialMask.sparsity }\nbest: { metric: perplexity.rebuilt, goal: min }\n';
writeFileSync(join(folder, 'p.yaml'), pipelineText());
const check = (sent: unknown, sweepId: string): Promise<void> => checkSweepRequest(sent, sweepId, withChanges);
const request = (): SweepRequest => JSON.parse(JSON.stringify(sweepRequestFor(parseSweep({ text: file, path: join(folder, 's.yaml') })))) as SweepRequest;

it('accepts a sweep from the client: new, resumed, with members added', async () => {
  await check(request(), 's-0123456789abcdef');
  const more = addedMembers(request(), ['initialMask.sparsity=0.6']);
  // Everything that an outcome may have, except what only failures have.
  const done: Required<Omit<MemberOutcome, 'because' | 'error'>> = {
    status: 'done', perplexity: { rebuilt: { 'heldout.txt': 7 } }, accuracy: { rebuilt: 0.6 }, chance: 0.25, sparsity: 0.4, seconds: 3, spent: 1, checkpoint: '/c', report: '/r',
  };
  const outcomes: SweepRequest['outcomes'] = {
    'sparsity=0.7': done,
    'sparsity=0.4,ratio=0.2': { status: 'done', perplexity: { rebuilt: { 'heldout.txt': 7 } }, accuracy: {}, sparsity: 0.4, seconds: 3, spent: 1, checkpoint: '/c', report: '/r' },
    'sparsity=0.5,ratio=0.2': { status: 'failed', error: { type: 'InputFileError', message: 'why' } },
  };
  await check(JSON.parse(JSON.stringify({ ...request(), members: [...request().members, ...more.members], choice: more.choice, outcomes, searchable: ['PruningModel'] })), 's-0123456789abcdef');
  await check(sweepRequestFor(loadSweep('pipelines/sweeps/demo.yaml')), 'demo');
});

it.each<[string, (sent: Record<string, unknown> & SweepRequest) => unknown, RegExp]>([
  ['no base', (sent) => delete (sent as Partial<SweepRequest>).base, /^request: `base` is missing in the request/],
  ['a base that is not a pipeline', (sent) => (sent.base = { stages: 'x' } as never), /request\.base\.stages: `stages` is "x"/],
  ['an unknown state', (sent) => ((sent.base.stages[3] as { states: string[] }).states = ['weird']), /request\.base\.stages\[3\]\.evaluation\.states\[0\]: item 1 of `states` is "weird"/],
  ['members that are not a list', (sent) => (sent.members = {} as never), /request\.members: `members` is a mapping; expected a list/],
  ['no members', (sent) => (sent.members = []), /request\.members: `members` is an empty list/],
  ['three thousand members', (sent) => (sent.members = new Array<never>(3000).fill(sent.members[0] as never)), /`members` is a list of 3000; expected a list of 1 to 2000/],
  ['a member whose name is a path', (sent) => (sent.members[1].name = '../../x'), /request\.members\[1\]\.name: it is "\.\.\/\.\.\/x"; expected "sparsity=/],
  ['a member whose path is a path', (sent) => Object.assign(sent.members[1], { values: { 'a/b': 1 }, name: 'a/b=1' }), /members\[1\]\.name: workflow id "s\.a\/b=1": it cannot name a file or folder/],
  ['two members of one name', (sent) => (sent.members[1] = sent.members[0]!), /members\[1\]\.name: a second member has the name/],
  ['values that are no values', (sent) => (sent.members[0].values = { a: { b: 1 } } as never), /members\[0\]\.values\.a/],
  ['changes of a prototype', (sent) => (sent.members[0].changes = [[['__proto__', 'harmed'], true]]), /members\[0\]\.changes: a change names a value that the base pipeline does not have/],
  ['invalid changes', (sent) => (sent.members[0].changes = [['x', 1]] as never), /members\[0\]\.changes/],
  ['a change of something that is not a pipeline', (sent) => (sent.members[0].changes = [[[], 5]]), /members\[0\]\.pipeline: the pipeline is 5/],
  ['a change of something that is not a sparsity', (sent) => (sent.members[1].changes = [[['stages', 1, 'sparsity'], '0.5']]), /members\[1\]\.pipeline\.stages\[1\]\.initialMask\.sparsity: `sparsity` is "0\.5"; expected a number above 0 and below 1/],
  ['the digest of something else', (sent) => (sent.members[0].configDigest = 'x'), /members\[0\]\.configDigest: it is "x"; expected [0-9a-f]{64}/],
  ['no limit on members at once', (sent) => delete (sent as Partial<SweepRequest>).maxParallel, /^request: `maxParallel` is missing in the request/],
  ['zero members at once', (sent) => (sent.maxParallel = 0), /request\.maxParallel: `maxParallel` is 0; expected a whole number of at least 1 and at most 100/],
  ['zero members before it continues', (sent) => (sent.membersPerRun = 0), /request\.membersPerRun: `membersPerRun` is 0/],
  ['a name that is a path', (sent) => (sent.name = '../x'), /request\.name: `name` is "\.\.\/x"; expected letters/],
  ['a relative path', (sent) => (sent.source.path = 'p.yaml'), /request\.source\.path: it is "p\.yaml"; expected an absolute path/],
  ['outcomes of the wrong kind', (sent) => (sent.outcomes = { a: { status: 'great' } } as never), /request\.outcomes\.a\.status: `status` is "great"; expected `done`/],
  ['a stop along another path', (sent) => (sent.stopWhen!.along = 'rebuild.metric'), /request\.stopWhen\.along: `rebuild\.metric` is not a path of the matrix/],
  ['a metric that no member has', (sent) => (sent.best!.metric = 'accuracy.rebuilt'), /request\.best\.metric: member `.*` has no accuracy\.rebuilt/],
  ['an invalid choice', (sent) => (sent.choice.matrix = { a: 5 } as never), /request\.choice\.matrix\.a: `a` is 5; expected a list/],
])('refuses %s', async (_, change, message) => {
  const sent = request() as Record<string, unknown> & SweepRequest;
  change(sent);
  const failing = check(sent, 's');
  await expect(failing).rejects.toBeInstanceOf(RequestError);
  await expect(failing).rejects.toThrow(message);
  expect({}).not.toHaveProperty('harmed');
});

it.each([undefined, null, 'x', 5, [], {}])('refuses %j instead of a request', async (sent) => {
  await expect(check(sent, 's')).rejects.toBeInstanceOf(RequestError);
});

it('refuses a workflow id that is a path', async () => {
  await expect(check(request(), '../../x')).rejects.toBeInstanceOf(UnsafeNameError);
});
