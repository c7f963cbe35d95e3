import { CancellationScope, condition, defineQuery, defineSignal, isCancellation, makeContinueAsNewFunc, patched, setHandler, upsertMemo, workflowInfo } from '@temporalio/workflow';
import { isContinuation } from './continuation.js';
import { doneOutcome, failedOutcome, runMember } from './member.js';
import { asObject } from './as-object.js';
import { awaitRequestCheck } from './request-check.js';
import { shared } from './shared-activities.js';
import { bestOf, overLimit, skipReason } from './sweep-metric.js';
import {
  addMembersSignal, memberWorkflowId, sweepRequestQuery, sweepTableQuery,
  type AddedMembers, type MemberOutcome, type SweepMember, type SweepRequest, type SweepResult, type SweepRow, type SweepTable,
} from './sweep-protocol.js';

/** Runs the members of a sweep, each as its own pipeline workflow. A member that fails does not stop the others. */
export async function sweep(request: SweepRequest): Promise<SweepResult> {
  const run = new SweepRun(request);
  setHandler(defineQuery<SweepTable>(sweepTableQuery), () => run.table());
  setHandler(defineQuery<SweepRequest>(sweepRequestQuery), () => run.request);
  setHandler(defineSignal<[AddedMembers]>(addMembersSignal), (added) => run.add(added));
  // A continued sweep was checked when it began. Sweeps from before the check existed continue without it.
  if (!isContinuation() && patched('check-request')) await awaitRequestCheck(shared('checks of the sweep and its members').checkSweep(request));
  try {
    return await run.runToCompletion();
  } catch (error) {
    if (!isCancellation(error)) throw error;
    // The running members are cancelled too. The table is written with what there is.
    await CancellationScope.nonCancellable(() => run.finishCancelled()).catch(() => undefined);
    throw error;
  }
}

class SweepRun {
  /** The request to continue with from here. It is kept up to date. */
  readonly request: SweepRequest;
  private readonly running = new Set<string>();
  private begun = 0;
  /** Counts changes, so that the workflow can wait for the next one. */
  private events = 0;
  /** How many there were when members were skipped last. */
  private eventsAtSkip = -1;

  constructor(request: SweepRequest) {
    // Not checked yet. A worker refuses a request without members.
    const { members, outcomes } = asObject(request);
    this.request = { ...request, members: Array.isArray(members) ? [...members] : [], outcomes: { ...outcomes } };
  }

  table(): SweepTable {
    const { name, members, best, base } = this.request;
    const { cost } = asObject(base);
    const rows = members.map((member) => this.row(member));
    const found = bestOf(rows, best);
    return { name, axes: [...new Set(members.flatMap(({ values }) => Object.keys(values)))], ...(cost && { cost }), rows, ...(found && { best: found }) };
  }

  add(added: AddedMembers): void {
    const { members, choice } = asObject(added);
    // Anyone may send a signal, and a signal has no reply. The pipeline of a member is checked when it runs.
    if (!Array.isArray(members) || !members.every(isMember) || typeof choice !== 'object' || (choice as object | null) === null) return;
    const known = new Set(this.request.members.map(({ name }) => name));
    for (const member of members) {
      if (!known.has(member.name)) this.request.members.push(member);
      known.add(member.name);
    }
    this.request.choice = choice;
    upsertMemo({ members: this.request.members.length });
    this.events++;
  }

  async runToCompletion(): Promise<SweepResult> {
    const { maxParallel, membersPerRun } = this.request;
    for (;;) {
      const seen = this.events;
      this.skipMembers();
      const [next] = this.waiting();
      if (next !== undefined && this.running.size < maxParallel && this.begun < membersPerRun) void this.begin(next);
      else if (this.running.size > 0) await condition(() => this.events !== seen);
      else if (next !== undefined) await this.continueAsNew();
      else {
        const result = await this.write();
        // Members may have been added while the report was being written.
        if (this.waiting().length === 0) return result;
      }
    }
  }

  /** The memo is handed on, because it may have changed since the start: members may have been added. */
  private async continueAsNew(): Promise<never> {
    const { memo } = workflowInfo();
    return await makeContinueAsNewFunc<typeof sweep>({ ...(memo && { memo }) })(this.request);
  }

  /** Waits for the members that are being cancelled, and writes the results so far. */
  async finishCancelled(): Promise<void> {
    await condition(() => this.running.size === 0);
    await this.write();
  }

  private row({ name, values }: SweepMember): SweepRow {
    const workflowId = memberWorkflowId(workflowInfo().workflowId, name);
    return { name, workflowId, values, ...(this.request.outcomes[name] ?? { status: this.running.has(name) ? 'running' : 'waiting' }) };
  }

  private waiting(): SweepMember[] {
    return this.request.members.filter(({ name }) => this.request.outcomes[name] === undefined && !this.running.has(name));
  }

  private skipMembers(): void {
    const { stopWhen, members, outcomes } = this.request;
    if (stopWhen === undefined || this.eventsAtSkip === this.events) return;
    this.eventsAtSkip = this.events;
    const over = overLimit(members.map((member) => this.row(member)), stopWhen);
    for (const { name, values } of this.waiting()) {
      const because = skipReason(values, over, stopWhen);
      if (because !== undefined) outcomes[name] = { status: 'skipped', because };
    }
  }

  private async begin(member: SweepMember): Promise<void> {
    this.begun++;
    this.running.add(member.name);
    const outcome = await this.outcomeOf(member);
    this.running.delete(member.name);
    this.request.outcomes[member.name] = outcome;
    this.events++;
  }

  private async outcomeOf(member: SweepMember): Promise<MemberOutcome> {
    try {
      return doneOutcome(await runMember(this.request, member));
    } catch (error) {
      return failedOutcome(error);
    }
  }

  private async write(): Promise<SweepResult> {
    const { workflowId: sweepId } = workflowInfo();
    const table = this.table();
    return { ...table, report: await shared('table, charts and report').writeSweep({ sweepId, table }) };
  }
}

/** Whether a member from a signal can be listed, compared and started. */
function isMember(member: SweepMember): boolean {
  const { name, values, changes } = asObject(member);
  // Names of members have the form `path=value`, and no server takes longer ones.
  return typeof name === 'string' && name.includes('=') && name.length <= 200 && typeof values === 'object' && (values as object | null) !== null && Array.isArray(changes);
}
