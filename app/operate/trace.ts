/** Converts the timeline of a run to an OpenTelemetry trace in OTLP's JSON format. Pure. */
import { createHash } from 'node:crypto';
import { minWait, workerNames } from '../report/view/timeline-view.js';
import type { Incident, Timeline, TimelineUnit } from '../../workflows/protocol.js';
import type { EndedRun, TraceParts } from '../../workflows/run-end.js';

/** What the trace of a run is made from. */
export interface TracedRun extends TraceParts, Pick<EndedRun, 'workflowId' | 'name' | 'status' | 'error'> {
  /** When the run ended, in ISO 8601. If absent, it ended with its last piece of work. */
  at?: string;
}

/** Returns the input for the trace of a run that has just ended. A run without a result keeps its end time: it may have waited after its last work. */
export function tracedRun({ workflowId, name, status, error, at }: EndedRun, parts: TraceParts): TracedRun {
  return { workflowId, name, status, ...(error && { error }), ...(parts.result === undefined && { at }), ...parts };
}

/** Describes the sender of the trace: `service.name` and others, named by OpenTelemetry's conventions. */
export type ResourceAttributes = Readonly<Record<string, string>> & { readonly 'service.version': string };

/** OTLP distinguishes integers (bigint here) from other numbers. */
type Value = string | bigint | number | boolean;

export interface OtlpAttribute {
  key: string;
  value: { stringValue: string } | { intValue: string } | { doubleValue: number } | { boolValue: boolean };
}

export interface OtlpSpan {
  /** 32 and 16 hexadecimal digits. */
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  name: string;
  kind: number;
  /** Nanoseconds since 1970, as text because a JSON number would lose digits. */
  startTimeUnixNano: string;
  endTimeUnixNano: string;
  attributes: OtlpAttribute[];
  events?: { timeUnixNano: string; name: string; attributes: OtlpAttribute[] }[];
  status?: { code: number; message?: string };
}

export interface OtlpTrace {
  resourceSpans: { resource: { attributes: OtlpAttribute[] }; scopeSpans: { scope: { name: string; version: string }; spans: OtlpSpan[] }[] }[];
}

/** Values of OTLP's enumerations. */
const internal = 1;
const statusCode = { ok: 1, error: 2 } as const;

/**
 * Returns the id of a run's trace, 32 hexadecimal digits. It is derived from the workflow id and the start time, so a trace that is sent
 * twice stays one trace. Both stay the same when a run continues as new; its run id does not.
 */
export function traceIdOf(workflowId: string, timeline: Pick<Timeline, 'from'>): string {
  return digits(32, workflowId, timeline.from);
}

/**
 * Returns the request for an OTLP receiver. The run's span contains its stages, these contain pieces of work, and these contain the wait
 * for a worker or the failed attempts. Work outside any stage is directly in the run. Incidents are events of the run.
 */
export function traceOf(run: TracedRun, resource: ResourceAttributes): OtlpTrace {
  return {
    resourceSpans: [{ resource: { attributes: attributesOf(resource) }, scopeSpans: [{ scope: { name: 'llm-barber-pipeline', version: resource['service.version'] }, spans: new Spans(run).all() }] }],
  };
}

class Spans {
  private readonly traceId: string;
  private readonly fromMs: number;
  private readonly workers: string[];

  constructor(private readonly run: TracedRun) {
    this.traceId = traceIdOf(run.workflowId, run.timeline);
    this.fromMs = Date.parse(run.timeline.from);
    this.workers = workerNames(run.timeline.workers);
  }

  all(): OtlpSpan[] {
    const { units } = this.run.timeline;
    const stages = [...new Set(units.flatMap(({ stage }) => stage ?? []))];
    return [this.root(), ...stages.map((stage) => this.stage(stage, units.filter((unit) => unit.stage === stage))), ...units.flatMap((unit, index) => this.unit(unit, index))];
  }

  private root(): OtlpSpan {
    const { workflowId, name, status, error, at, incidents, result, timeline: { units, joined } } = this.run;
    const lastEnd = Math.max(0, ...units.map(({ ended }) => ended));
    const end = at === undefined ? lastEnd : Math.max(lastEnd, (Date.parse(at) - this.fromMs) / 1000);
    return {
      ...this.span('run', `run ${name}`, 0, end, {
        'llm_barber.workflow_id': workflowId, 'llm_barber.status': status,
        ...(result && {
          'llm_barber.model': result.model.repo ?? result.model.source, 'llm_barber.family': result.model.family, 'llm_barber.parameters': BigInt(result.model.parameters),
          'llm_barber.pattern': result.pattern, 'llm_barber.engine': result.engine.backend, 'llm_barber.device': result.engine.device,
        }),
        ...(joined !== undefined && { 'llm_barber.joined': BigInt(joined) }),
        ...(error && { 'error.type': error.type }),
      }),
      ...this.happened(incidents, end),
      ...statusOf(status, error),
    };
  }

  private happened(incidents: readonly Incident[], end: number): Pick<OtlpSpan, 'events'> {
    // Incidents have the time of the machine that noticed them, whose clock may differ from the run's.
    const events = incidents.map(({ at, what }) => ({ timeUnixNano: this.nano(Math.min(end, Math.max(0, (Date.parse(at) - this.fromMs) / 1000 || 0))), name: what, attributes: [] }));
    return events.length === 0 ? {} : { events };
  }

  private stage(stage: string, units: readonly TimelineUnit[]): OtlpSpan {
    const from = Math.min(...units.map(({ asked }) => asked));
    return this.span(`stage ${stage}`, stage, from, Math.max(...units.map(({ ended }) => ended)), { 'llm_barber.stage': stage }, 'run');
  }

  private unit({ stage, what, worker, asked, begun, ended, attempts, lost }: TimelineUnit, index: number): OtlpSpan[] {
    const id = `unit ${index}`;
    const [, layer] = /\blayer (\d+)\b/.exec(what) ?? [];
    const unit = this.span(id, what, asked, ended, {
      ...(stage !== undefined && { 'llm_barber.stage': stage }), ...(layer !== undefined && { 'llm_barber.layer': BigInt(layer) }),
      'llm_barber.worker': this.workers[worker] ?? '', 'llm_barber.attempts': BigInt(attempts ?? 1), 'llm_barber.lost': lost === true, 'llm_barber.wait_seconds': begun - asked,
    }, stage === undefined ? 'run' : `stage ${stage}`);
    const before = (name: string): OtlpSpan => this.span(`${id} before`, name, asked, begun, {}, id);
    return [
      lost ? { ...unit, status: { code: statusCode.error, message: 'it failed, or its worker was gone' } } : unit,
      // With several attempts, the time before the last one is that of the failed ones.
      ...(attempts !== undefined ? [{ ...before('failed attempts'), status: { code: statusCode.error, message: `${attempts - 1} failed` } }] : begun - asked >= minWait ? [before('wait for a worker')] : []),
    ];
  }

  /** @param from, to seconds since the start of the run */
  private span(id: string, name: string, from: number, to: number, attributes: Record<string, Value>, parent?: string): OtlpSpan {
    return {
      traceId: this.traceId, spanId: this.idOf(id), ...(parent !== undefined && { parentSpanId: this.idOf(parent) }), name, kind: internal,
      startTimeUnixNano: this.nano(from), endTimeUnixNano: this.nano(Math.max(from, to)), attributes: attributesOf(attributes),
    };
  }

  private idOf(span: string): string {
    return digits(16, this.traceId, span);
  }

  private nano(seconds: number): string {
    return String(BigInt(Math.round(this.fromMs + seconds * 1000)) * 1_000_000n);
  }
}

/** Returns the span's status. A cancelled run has none, because it neither succeeded nor failed. */
function statusOf(status: TracedRun['status'], error: TracedRun['error']): Pick<OtlpSpan, 'status'> {
  switch (status) {
    case 'completed':
      return { status: { code: statusCode.ok } };
    case 'gateFailed':
      return { status: { code: statusCode.error, message: 'a quality gate failed' } };
    case 'failed':
      return { status: { code: statusCode.error, message: error?.message ?? '' } };
    case 'cancelled':
      return {};
  }
}

function digits(count: number, ...parts: string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, count);
}

function attributesOf(values: Readonly<Record<string, Value>>): OtlpAttribute[] {
  return Object.entries(values).map(([key, value]) => ({ key, value: valueOf(value) }));
}

function valueOf(value: Value): OtlpAttribute['value'] {
  switch (typeof value) {
    case 'string':
      return { stringValue: value };
    case 'boolean':
      return { boolValue: value };
    case 'bigint':
      return { intValue: String(value) };
    case 'number':
      return { doubleValue: value };
  }
}
