/**
 * Causes every kind of fault once in real runs of the demo model. `node dist/tools/bench/faults.js --faults 200` does the same at
 * length on LLaMA and OPT (docs/durability.md).
 */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { campaign, type Outcome } from '../../tools/bench/faults/campaign.js';
import { faultKinds } from '../../tools/bench/faults/injections.js';
import { demoFolder } from '../helpers/demo-run.js';
import { needs, where } from '../helpers/needs.js';
import { requireBuild, requireTemporalCli } from '../helpers/set-up.js';

requireBuild();
requireTemporalCli();
const needsRoot = (kind: string): boolean => kind.includes('disk');
const kinds = faultKinds.filter((kind) => needs.root.met || !needsRoot(kind));
/** Each lane has its own server, and its own undisturbed run. */
const lanes = 2;

describe('faults', where(needs.linux), () => {
  it.each(faultKinds.filter(needsRoot))('%s is one of them', where(needs.root), (kind) => expect(kinds).toContain(kind));

  it('of every kind lose nothing and change no byte', { timeout: 1_800_000 }, async () => {
    const subject = { name: 'demo', model: join(demoFolder, 'model'), text: join(demoFolder, 'heldout.txt') };
    const said: string[] = [];
    const lane = (index: number): Promise<Outcome[]> =>
      campaign({
        subjects: [subject], seed: index + 1, perRun: 4, outage: 13, say: (line) => said.push(line),
        faults: kinds.filter((_, at) => at % lanes === index),
      });
    const outcomes = (await Promise.all(Array.from({ length: lanes }, (_, index) => lane(index)))).flat();
    const words = said.join('\n');
    expect(outcomes.flatMap(({ faults }) => faults.map(({ kind }) => kind)).sort()).toEqual([...kinds].sort());
    for (const { failure, lost, differing } of outcomes) expect({ failure, lost, differing }, words).toEqual({ failure: undefined, lost: [], differing: 0 });
    // A run may end before it notices a fault. But no run can continue after one of these kills without reporting it.
    const kills = ['SIGKILL of the worker', 'SIGKILL of the compute process', 'SIGKILL of everything at once', 'SIGTERM of the worker'];
    for (const { kind, wentOn, told } of outcomes.flatMap(({ faults }) => faults)) if (kills.includes(kind) && wentOn) expect(told, kind).not.toEqual([]);
  });
});
