/** Tests the trace of a run against OTLP's specification, and how it is sent. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Traces } from '../../../app/operate/otlp.js';
import { otlpTarget, otlpTargetOfEnvironment } from '../../../app/operate/otlp-target.js';
import { traceIdOf, traceOf, type TracedRun } from '../../../app/operate/trace.js';
import { withoutSecrets } from '../../../errors/secrets.js';
import type { TimelineUnit } from '../../../workflows/protocol.js';
import { attributeOf, OtlpReceiver, readTrace, traceFaults, type ReceivedSpan, type ReceivedTrace } from '../../helpers/otlp-receiver.js';

const units: TimelineUnit[] = [
  { what: 'checks of model, files and memory', worker: 0, asked: 1, begun: 1.5, ended: 2 },
  { stage: 'initialMask', what: 'initial mask, layer 0', worker: 0, asked: 2, begun: 2.001, ended: 5 },
  { stage: 'rebuild', what: 'rebuild, layer 0', worker: 0, asked: 5, begun: 5, ended: 7, lost: true },
  { stage: 'rebuild', what: 'rebuild, layer 0', worker: 1, asked: 7, begun: 17, ended: 20, attempts: 3 },
  { stage: 'evaluation', what: 'evaluation, dense', worker: 1, asked: 20, begun: 20.1, ended: 20.25 },
];
const run: TracedRun = {
  workflowId: 'small-0123456789abcdef', name: 'small', status: 'completed',
  timeline: { from: '2026-11-30T12:00:00.000Z', workers: ['7@one 1b4e', '7@one 99ff'], units },
  incidents: [{ at: '2026-11-30T12:00:07.500Z', what: 'The run went to another worker' }, { at: '2031-01-01T00:00:00.000Z', what: 'A clock jumped' }],
};
const resource = { 'service.name': 'llm-barber-pipeline', 'service.version': '1.2.3' };
const sent = (of = run): ReceivedTrace => readTrace(JSON.stringify(traceOf(of, resource)));

describe('the spans', () => {
  const { spans, resource: attributes, scope } = sent();
  const named = (name: string): ReceivedSpan[] => spans.filter((span) => span.name === name);
  const parentOf = ({ parentSpanId }: ReceivedSpan): string | undefined => spans.find(({ spanId }) => spanId === parentSpanId)?.name;
  /** Returns start and end in milliseconds since noon. */
  const times = ({ startTimeUnixNano, endTimeUnixNano }: ReceivedSpan): number[] => [startTimeUnixNano, endTimeUnixNano].map((nano) => Number(BigInt(nano) / 1_000_000n) - Date.parse('2026-11-30T12:00:00Z'));

  it('keep the rules of OTLP', () => {
    expect(traceFaults(sent())).toEqual([]);
    expect([attributeOf(attributes, 'service.name'), attributeOf(attributes, 'service.version'), scope]).toEqual(['llm-barber-pipeline', '1.2.3', { name: 'llm-barber-pipeline', version: '1.2.3' }]);
  });

  it('are the run, its stages, their pieces of work, and waits', () => {
    const [root] = named('run small');
    expect([times(root), root.status]).toEqual([[0, 20_250], { code: 1 }]);
    expect(attributeOf(root.attributes, 'llm_barber.workflow_id')).toBe('small-0123456789abcdef');
    expect(['initialMask', 'rebuild', 'evaluation'].map((stage) => [times(named(stage)[0]), parentOf(named(stage)[0])])).toEqual([[[2000, 5000], 'run small'], [[5000, 20_000], 'run small'], [[20_000, 20_250], 'run small']]);
    expect(named('checks of model, files and memory').map((span) => [times(span), parentOf(span)])).toEqual([[[1000, 2000], 'run small']]);
    expect(named('wait for a worker').map((span) => [times(span), parentOf(span)])).toEqual([[[1000, 1500], 'checks of model, files and memory']]);
  });

  it('tell by whom work was done, which was lost, and which was tried again', () => {
    const [lost, again] = named('rebuild, layer 0');
    const facts = ({ attributes: all }: ReceivedSpan): unknown[] => ['layer', 'worker', 'attempts', 'lost', 'wait_seconds'].map((key) => attributeOf(all, `llm_barber.${key}`));
    expect(facts(lost)).toEqual([0n, '7@one', 1n, true, 0]);
    expect(lost.status).toEqual({ code: 2, message: 'it failed, or its worker was gone' });
    expect(facts(again)).toEqual([0n, '7@one (2)', 3n, false, 10]);
    expect(again.status).toBeUndefined();
    expect(named('failed attempts').map((span) => [times(span), parentOf(span), span.status])).toEqual([[[7000, 17_000], 'rebuild, layer 0', { code: 2, message: '2 failed' }]]);
    // An incident from a machine with a wrong clock is moved to the end of the run.
    expect(named('run small')[0].events?.map(({ name, timeUnixNano }) => [name, timeUnixNano])).toEqual([['The run went to another worker', '1796040007500000000'], ['A clock jumped', '1796040020250000000']]);
  });

  it('of a run that failed last until its end, and say why', () => {
    const failed: TracedRun = { ...run, status: 'failed', at: '2026-11-30T12:05:00.000Z', error: { type: 'InputFileError', message: 'no model' } };
    const [root] = sent(failed).spans;
    expect([times(root)[1], root.status, attributeOf(root.attributes, 'error.type')]).toEqual([300_000, { code: 2, message: 'no model' }, 'InputFileError']);
    expect(sent({ ...run, status: 'gateFailed' }).spans[0].status?.code).toBe(2);
    expect(sent({ ...run, status: 'cancelled' }).spans[0].status).toBeUndefined();
  });

  it('are the same when they are sent twice, and others for another beginning', () => {
    expect(sent()).toEqual(sent());
    expect(traceIdOf(run.workflowId, { from: '2026-11-30T12:00:00.001Z' })).not.toBe(spans[0].traceId);
    expect(traceIdOf('other', run.timeline)).not.toBe(spans[0].traceId);
  });

  it('keep the rules for any timeline', () => {
    const seconds = fc.double({ min: 0, max: 1e7, noNaN: true });
    const unit = fc.record({ stage: fc.constantFrom('calibration', 'rebuild', undefined), what: fc.string({ minLength: 1 }), worker: fc.nat(3), times: fc.tuple(seconds, seconds, seconds), attempts: fc.constantFrom(undefined, 2), lost: fc.constantFrom(undefined, true) });
    fc.assert(fc.property(fc.array(unit, { minLength: 1, maxLength: 12 }), (made) => {
      const some = made.map(({ times: three, stage, attempts, lost, ...rest }): TimelineUnit => {
        const [asked, begun, ended] = [...three].sort((a, b) => a - b);
        return { ...rest, asked, begun, ended, ...(stage && { stage }), ...(attempts && { attempts }), ...(lost === true && { lost }) };
      });
      expect(traceFaults(sent({ ...run, timeline: { ...run.timeline, units: some } }))).toEqual([]);
    }));
  });
});

describe('the target', () => {
  const none = (): void => expect.fail('nothing is to be said');

  it('is made from an address, or from the variables of OpenTelemetry', () => {
    const urls = ['http://c:4318', 'http://c:4318/', 'http://c:4318/otlp/', 'http://c:4318/v1/traces', 'http://c:4318/v1/traces/', 'https://c/otlp?key=x'].map((address) => otlpTarget(address, '1', {}).url);
    expect(urls).toEqual(['http://c:4318/v1/traces', 'http://c:4318/v1/traces', 'http://c:4318/otlp/v1/traces', 'http://c:4318/v1/traces', 'http://c:4318/v1/traces', 'https://c/otlp/v1/traces?key=x']);
    const of = (environment: NodeJS.ProcessEnv) => otlpTargetOfEnvironment('1', none, environment);
    expect(of({})).toBeUndefined();
    expect(of({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4318', OTEL_SDK_DISABLED: 'true' })).toBeUndefined();
    expect(of({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4318', OTEL_TRACES_EXPORTER: 'none' })).toBeUndefined();
    expect(of({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4318' })?.url).toBe('http://c:4318/v1/traces');
    // An address for traces only is used unchanged.
    expect(of({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4318', OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://d/in' })?.url).toBe('http://d/in');
    expect(of({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c', OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20of-the-variable, x-scope=team=1,nothing', OTEL_SERVICE_NAME: 'mine', OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment=test' }))
      .toMatchObject({ headers: { authorization: 'Bearer of-the-variable', 'x-scope': 'team=1' }, resource: { 'service.name': 'mine', 'service.version': '1', 'deployment.environment': 'test' } });
    expect(withoutSecrets('Bearer of-the-variable and of-the-variable')).toBe('[secret] and [secret]');
    // The name of a tenant is an ordinary word.
    of({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c', OTEL_EXPORTER_OTLP_HEADERS: 'x-scope-orgid=research-team' });
    expect(withoutSecrets('/data/research-team/model')).toBe('/data/research-team/model');
  });

  it('is none where the variables ask for what cannot be done, and that is said', () => {
    const said: string[] = [];
    const of = (environment: NodeJS.ProcessEnv) => otlpTargetOfEnvironment('1', (line) => said.push(line), environment);
    expect([of({ OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4318' }), of({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4317', OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' })]).toEqual([undefined, undefined]);
    expect(said).toEqual([expect.stringMatching(/^No traces are sent: .* is not an address/), expect.stringMatching(/^No traces are sent: .* asks for gRPC/)]);
    expect(of({ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://me:my-password@c:4318' })).toBeUndefined();
    expect(said[2]).toMatch(/^No traces are sent: the address in OTEL_EXPORTER_OTLP_TRACES_ENDPOINT contains a user name or a password\./);
    expect(said[2]).not.toContain('my-password');
  });
});

describe('sending', () => {
  const receiver = new OtlpReceiver();
  let url: string;
  beforeAll(async () => void (url = await receiver.start()));
  afterAll(() => receiver.stop());
  const failures: string[] = [];
  const send = async (of = run): Promise<void> => {
    const traces = new Traces(otlpTarget(url, '1', {}), (why) => failures.push(why), { attempts: 3, firstPauseMs: 1, timeoutMs: 5000 });
    traces.send(of);
    await traces.settle();
  };

  it('tries again while the receiver is busy, and gives up where it refuses', async () => {
    receiver.answers.push({ status: 503 }, { status: 429 });
    await send();
    expect([receiver.traces.length, receiver.headers.length, failures]).toEqual([1, 3, []]);
    // OTLP does not allow a retry after this status.
    receiver.answers.push({ status: 500 });
    await send();
    expect([receiver.traces.length, receiver.headers.length]).toEqual([1, 4]);
    expect(failures).toEqual([expect.stringMatching(/^The trace of small-0123456789abcdef was not sent\. http:\/\/127\.0\.0\.1:\d+\/v1\/traces: the answer has status 500/)]);
  });

  it('sends nothing of a run that did nothing', async () => {
    await send({ ...run, timeline: { ...run.timeline, units: [] } });
    expect(receiver.headers).toHaveLength(4);
  });
});
