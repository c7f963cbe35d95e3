/** The addresses of the live view, and their content. */
import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import { Hono, type Context } from 'hono';
import { streamSSE } from 'hono/streaming';
import { runFolder } from '../../activities/write-outputs.js';
import { runGroupFolder } from '../../activities/write-sweep.js';
import { Fault } from '../../errors/fault.js';
import { comparedRuns } from '../cli/compare/compared-runs.js';
import { findFinished } from '../cli/compare/find-finished.js';
import { isOutage } from '../cli/client.js';
import { cancelRun } from '../cli/control/cancel.js';
import { pauseRun, resumeRun } from '../cli/control/pause.js';
import { retryRun } from '../cli/control/retry.js';
import type { GlobalOptions } from '../cli/options.js';
import { RunEnds } from '../cli/runs/run-ends.js';
import { renderComparePage } from '../report/page/compare-page.js';
import { compareView } from '../report/view/compare-view.js';
import { RunFactsCollector, type RunFacts } from './facts.js';
import { Feed } from './feed.js';
import { RunGroupFactsCollector, type RunGroupFacts } from './run-group-facts.js';
import { fileOf } from './files.js';
import type { Guard } from './guard.js';
import { collectList, isOpen, type ListFacts } from './list-facts.js';
import { actions, type Action } from './page/controls.js';
import { renderOutagePage } from './page/document.js';
import { familyParts, renderFamilyPage, type FamilyPageOptions } from './page/run-group-page.js';
import { runPath } from './page/paths.js';
import { renderLivePage, renderReportFrame, runPageView, runParts, type RunPageOptions } from './page/run-page.js';
import { familiesTable, renderRunsPage, runsQuery, runsTable } from './page/runs-page.js';
import { script } from './page/script.js';
import { uiStyle } from './page/style.js';
import { sendParts } from './send-parts.js';

export interface UiOptions {
  client: Client;
  options: GlobalOptions;
  /** Describes the server on the first page. */
  place: string;
  /** Address of a run on Temporal's own web page, if there is one. */
  temporalPage: (run: { workflowId: string; runId: string }) => string | undefined;
}

/** Listing all runs is expensive, so it is polled less often than a single run. */
const listPollMs = 2_000;
/** Members change less often than layers. */
const familyPollMs = 1_500;

export function uiRoutes({ client, options, place, temporalPage }: UiOptions, guard: Guard): Hono {
  const { state } = options;
  const ends = new RunEnds(client);
  const list = new Feed<ListFacts>(() => collectList(client, ends), ({ runs, families }) => [...runs, ...families].some(isOpen), listPollMs);
  const feedOf = remembered((workflowId): Feed<RunFacts> => {
    const facts = new RunFactsCollector(client, state, ends, workflowId);
    return new Feed(() => facts.collect(), isOpen);
  });
  const familyFeedOf = remembered((workflowId): Feed<RunGroupFacts> => {
    const facts = new RunGroupFactsCollector(client, state, workflowId);
    return new Feed(() => facts.collect(), isOpen, familyPollMs);
  });
  const familyOptions = ({ workflowId, runId }: RunGroupFacts): FamilyPageOptions => {
    const address = temporalPage({ workflowId, runId });
    return { state, ...(address !== undefined && { temporalPage: address }) };
  };
  const pageOptions = ({ workflowId, runId }: RunFacts): RunPageOptions => {
    const address = temporalPage({ workflowId, runId });
    return { state, formToken: guard.formToken, ...(address !== undefined && { temporalPage: address }) };
  };

  const app = new Hono();
  app.use(guard.check);
  app.get('/style.css', (c) => c.body(uiStyle, 200, { 'content-type': 'text/css; charset=utf-8' }));
  app.get('/ui.js', (c) => c.body(script, 200, { 'content-type': 'text/javascript; charset=utf-8' }));
  app.get('/', async (c) => c.html(await renderRunsPage(await list.now(), runsQuery(c.req.query()), place)));
  app.get('/events', (c) => {
    const query = runsQuery(c.req.query());
    return streamSSE(c, (stream) => sendParts(stream, list, ({ runs, families }) => ({ parts: { families: familiesTable(families), runs: runsTable(runs, query) } })));
  });
  app.get('/compare', async (c) => {
    const words = c.req.queries('run') ?? [];
    if (words.length < 2) return c.text('Select two or more finished runs.\n', 400);
    const runs = [];
    for (const word of words.slice(0, 26)) runs.push(await findFinished(word, options));
    const page = await renderComparePage(compareView(await comparedRuns(runs)), words.map((word) => `runs/${word}`));
    return c.html(page, 200, { 'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; img-src data:" });
  });
  app.get('/runs/:id', async (c) => {
    const facts = await feedOf(c.req.param('id')).now();
    const asReport = facts.page !== undefined && c.req.query('live') === undefined;
    return c.html(await (asReport ? renderReportFrame : renderLivePage)(facts, pageOptions(facts)));
  });
  app.get('/runs/:id/events', (c) => {
    const feed = feedOf(c.req.param('id'));
    return streamSSE(c, (stream) => sendParts(stream, feed, (facts) => ({ view: runPageView(facts), parts: runParts(facts, pageOptions(facts)) })));
  });
  app.get('/runs/:id/files/:name{.+}', async (c) => (await fileOf(() => runFolder(state, c.req.param('id')), c.req.param('name'))) ?? c.notFound());
  for (const noun of ['sweep', 'search'] as const) {
    const at = `/${noun === 'sweep' ? 'sweeps' : 'searches'}` as const;
    // A report on this machine links to the pages of members at this address.
    app.get(`${at}/runs/:id/report.html`, (c) => c.redirect(`${runPath(c.req.param('id'))}/files/report.html`));
    app.get(`${at}/:id`, async (c) => {
      const facts = await familyFeedOf(c.req.param('id')).now();
      return c.html(await renderFamilyPage(facts, familyOptions(facts)));
    });
    app.get(`${at}/:id/events`, (c) => streamSSE(c, (stream) => sendParts(stream, familyFeedOf(c.req.param('id')), (facts) => ({ parts: familyParts(facts, familyOptions(facts)) }))));
    app.get(`${at}/:id/files/:name`, async (c) => (await fileOf(() => runGroupFolder(state, noun, c.req.param('id')), c.req.param('name'), { sorts: true })) ?? c.notFound());
  }
  app.post('/runs/:id/:action', async (c) => {
    const action = actions.find((name) => name === c.req.param('action'));
    if (action === undefined) return c.notFound();
    const execution = await client.workflow.getHandle(c.req.param('id')).describe();
    const { from } = await c.req.parseBody();
    const said = await act(action, execution, typeof from === 'string' && from !== '' ? from : undefined);
    return wantsJson(c) ? c.json({ said }) : c.redirect(runPath(execution.workflowId), 303);
  });
  app.notFound((c) => c.text('There is nothing at this address.\n', 404));
  app.onError((error, c) => describe(error, c));

  async function act(action: Action, execution: Awaited<ReturnType<ReturnType<Client['workflow']['getHandle']>['describe']>>, from: string | undefined): Promise<string> {
    switch (action) {
      case 'pause':
        return (await pauseRun(client, state, execution)) ? 'Pausing once the layer in flight is finished.' : 'Paused.';
      case 'resume':
        return (await resumeRun(client, state, execution)) ? 'Resumed.' : 'Resumed; the run continues once there is a worker.';
      case 'cancel':
        await cancelRun(client, state, execution);
        return 'Cancelling. Finished work is kept.';
      case 'retry':
        await retryRun(client, state, execution, from);
        return 'Started again.';
    }
  }
  return app;
}

/** Makes something once for each id. */
function remembered<Made>(make: (id: string) => Made): (id: string) => Made {
  const all = new Map<string, Made>();
  return (id) => {
    const made = all.get(id) ?? make(id);
    all.set(id, made);
    return made;
  };
}

const wantsJson = (c: Context): boolean => c.req.header('accept')?.includes('application/json') === true;

/** Describes an error for a person. */
async function describe(error: Error, c: Context): Promise<Response> {
  if (isOutage(error) && c.req.method === 'GET' && c.req.header('accept')?.includes('text/html') === true) return c.html(await renderOutagePage(), 503);
  const [status, said] = error instanceof WorkflowNotFoundError ? [404, 'The server does not know this run.'] as const
    : isOutage(error) ? [503, 'The Temporal server does not answer. Try again in a moment.'] as const
    : error instanceof Fault ? [409, error.message] as const
    : [500, `${error.name}: ${error.message}`] as const;
  return wantsJson(c) ? c.json({ said }, status) : c.text(`${said}\n`, status);
}
