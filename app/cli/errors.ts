import { PassingFault, PermanentFault } from '../../errors/fault.js';
import { fetchFailure } from '../operate/post.js';

/** Base of what only another command line, environment or pipeline file can fix; the program ends with exit code 2. */
export abstract class WrongInputError extends PermanentFault {}

/** Thrown when an option or argument has a value that cannot be used. */
export class CommandLineError extends WrongInputError {}

/** Thrown when the address for Prometheus cannot be used. */
export class MetricsAddressError extends WrongInputError {
  constructor(address: string, reason: string) {
    super({ where: '--metrics', what: `${address} cannot be used (${reason})`, expected: 'host:port of this machine, such as 127.0.0.1:9464, with a free port', remedy: 'Choose another one' });
  }
}

/** Thrown when the address for health checks cannot be used. */
export class HealthAddressError extends WrongInputError {}

/** Thrown when no MLflow server answers. */
export class MlflowUnreachableError extends PassingFault {
  constructor(url: string, cause: unknown) {
    super({ where: url, what: `the MLflow server does not answer (${fetchFailure(cause)})`, remedy: 'Check the address, and try again: what was sent is found' }, { cause });
  }
}

/** Thrown when an MLflow server refuses what it is sent, or is something else. */
export class MlflowRefusesError extends PermanentFault {
  constructor(url: string, status: number, answer: string) {
    const remedy = status === 401 || status === 403 ? 'Set MLFLOW_TRACKING_TOKEN, or MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD' : 'Check the address: it should be that of a tracking server';
    super({ where: url, what: `the server answers with status ${status}: ${answer.replace(/\s+/g, ' ').slice(0, 300)}`, expected: "MLflow's REST interface", remedy });
  }
}

/** Thrown when no receiver of traces answers. */
export class OtlpUnreachableError extends PassingFault {
  constructor(url: string, cause: unknown) {
    super({ where: url, what: `nothing answers there (${fetchFailure(cause)})`, expected: 'a receiver of OTLP over HTTP, usually on port 4318', remedy: 'Check the address, and try again: a trace that is sent twice is one trace' }, { cause });
  }
}

/** Thrown when a receiver refuses a trace, or is something else. */
export class OtlpRefusesError extends PermanentFault {
  constructor(url: string, status: number, answer: string) {
    const remedy = status === 401 || status === 403 ? 'Set OTEL_EXPORTER_OTLP_HEADERS to what it asks for, such as "authorization=Bearer TOKEN"' : 'Check the address: it should be that of a receiver of traces';
    super({ where: url, what: `the answer has status ${status}: ${answer.replace(/\s+/g, ' ').slice(0, 300)}`, expected: 'OTLP over HTTP, in JSON', remedy });
  }
}

/** Thrown when a receiver did not take all spans of a trace. */
export class SpansRejectedError extends PermanentFault {
  constructor(url: string, rejected: string, why: string) {
    super({ where: url, what: `${rejected} spans were not taken (${why.slice(0, 300)})`, remedy: 'Look into the log of the receiver' });
  }
}

/** Thrown when a pipeline has settings that its model cannot have. */
export class ModelSettingError extends WrongInputError {}

/** Thrown when the state folder cannot be made or written. */
export class StateFolderError extends WrongInputError {}

/** Thrown when Temporal's environment variables or profile file do not make sense. */
export class ConnectionConfigError extends WrongInputError {}

/** Thrown when a server turns this client away: its certificate or ours is not accepted, or the API key. */
export class ServerRefusesError extends WrongInputError {}

/** Thrown when payload keys cannot be used, or a payload is encrypted with a key that is not at hand. */
export class PayloadKeyError extends WrongInputError {}

/** Thrown when a workflow that is to be run here is already running on another state's task queue. */
export class OtherStateError extends WrongInputError {}

/** Thrown when no pipeline of that id (or none at all) is known to the server. */
export class UnknownWorkflowError extends WrongInputError {}

/** Thrown when no schedule of that id, or none of pipelines, is known to the server. */
export class UnknownScheduleError extends WrongInputError {}

/** Thrown when no `temporal` executable is on this machine. */
export class TemporalCliMissingError extends PermanentFault {}

/** Thrown when the local server does not come up. */
export class LocalServerError extends PassingFault {}

/** Thrown when set-up could not get what a run needs. */
export class SetUpError extends PassingFault {
  constructor(cause: unknown) {
    super({ what: cause instanceof Error ? cause.message : String(cause), remedy: 'Fix that and try again: what is done is kept (docs/install.md)' }, { cause });
  }
}

/** Thrown when a lock is held by another live process for too long. */
export class LockTimeoutError extends PassingFault {}

/** Thrown when the Temporal server that the environment names does not answer, or this state's local one does not run. */
export class ServerUnreachableError extends PassingFault {}

/** Not a failure: the person pressed Ctrl-C, or the process was asked to stop. */
export class Interrupted extends Error {
  constructor() {
    super('interrupted');
    this.name = 'Interrupted';
  }
}

/** Thrown when the speeds of this machine cannot be measured: no engine opens, or the state folder cannot be written. */
export class CalibrationError extends PermanentFault {}

/** A sweep's members and outcomes are known to its workflow alone, which a worker has to answer for. */
export class SweepStateError extends PassingFault {
  constructor(workflowId: string, cause: unknown) {
    super(
      {
        what: `sweep ${workflowId} does not answer with its members: ${cause instanceof Error ? cause.message : String(cause)}`,
        remedy: 'Start a worker with `npx temporal-pipeline worker`, and try again',
      },
      { cause },
    );
  }
}
