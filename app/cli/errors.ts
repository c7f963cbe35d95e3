import { fetchFailure, TransientFault, PermanentFault } from '../../errors/fault.js';
import { withoutSecrets } from '../../errors/secrets.js';

/** Base of errors that only another command line, environment or pipeline file can fix. The program ends with exit code 2. */
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
export class MlflowUnreachableError extends TransientFault {
  constructor(url: string, cause: unknown) {
    super({ where: url, what: `the MLflow server does not answer (${fetchFailure(cause)})`, remedy: 'Check the address, and try again: an interrupted export is continued' }, { cause });
  }
}

/** Thrown when an MLflow server refuses a request, or the address is not an MLflow server. */
export class MlflowRefusesError extends PermanentFault {
  constructor(url: string, status: number, answer: string) {
    const remedy = status === 401 || status === 403 ? 'Set MLFLOW_TRACKING_TOKEN, or MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD' : 'Check the address: it should be that of a tracking server';
    super({ where: url, what: `the server answers with status ${status}: ${excerpt(answer)}`, expected: "MLflow's REST interface", remedy });
  }
}

/** The beginning of an answer. A secret that is cut in half would not be recognized, so secrets are removed first. */
const excerpt = (answer: string): string => withoutSecrets(answer).replace(/\s+/g, ' ').slice(0, 300);

/** Thrown when no receiver of traces answers. */
export class OtlpUnreachableError extends TransientFault {
  constructor(url: string, cause: unknown) {
    super({ where: url, what: `nothing answers there (${fetchFailure(cause)})`, expected: 'a receiver of OTLP over HTTP, usually on port 4318', remedy: 'Check the address, and try again: a trace that is sent twice is one trace' }, { cause });
  }
}

/** Thrown when a receiver refuses a trace, or is something else. */
export class OtlpRefusesError extends PermanentFault {
  constructor(url: string, status: number, answer: string) {
    const remedy = status === 401 || status === 403 ? 'Set OTEL_EXPORTER_OTLP_HEADERS to what it asks for, such as "authorization=Bearer TOKEN"' : 'Check the address: it should be that of a receiver of traces';
    super({ where: url, what: `the answer has status ${status}: ${excerpt(answer)}`, expected: 'OTLP over HTTP, in JSON', remedy });
  }
}

/** Thrown when a receiver did not take all spans of a trace. */
export class SpansRejectedError extends PermanentFault {
  constructor(url: string, rejected: string, why: string) {
    super({ where: url, what: `${rejected} spans were not taken (${excerpt(why)})`, remedy: 'Look into the log of the receiver' });
  }
}

/** Thrown when a pipeline has settings that its model cannot have. */
export class ModelSettingError extends WrongInputError {}

/** Thrown when the state folder cannot be created or written. */
export class StateFolderError extends WrongInputError {}

/** Thrown when Temporal's environment variables or profile file are not valid. */
export class ConnectionConfigError extends WrongInputError {}

/** Thrown when a server refuses this client: its certificate, ours, or the API key is not accepted. */
export class ServerRefusesError extends WrongInputError {}

/** Thrown when payload keys cannot be used, or a payload is encrypted with a key that is missing here. */
export class PayloadKeyError extends WrongInputError {}

/** Thrown when a workflow that should run here is already running on another state's task queue. */
export class OtherStateError extends WrongInputError {}

/** Thrown when the server knows no pipeline of that id (or none at all). */
export class UnknownWorkflowError extends WrongInputError {}

/** Thrown when the server knows no schedule of that id, or none of pipelines. */
export class UnknownScheduleError extends WrongInputError {}

/** Thrown when this machine has no `temporal` executable. */
export class TemporalCliMissingError extends PermanentFault {}

/** Thrown when the local server does not start. */
export class LocalServerError extends TransientFault {}

/** Thrown when set-up could not install what a run needs. */
export class SetUpError extends TransientFault {
  constructor(cause: unknown) {
    super({ what: cause instanceof Error ? cause.message : String(cause), remedy: 'Fix that and try again: what is already installed is kept (docs/install.md)' }, { cause });
  }
}

/** Thrown when another live process holds a lock for too long. */
export class LockTimeoutError extends TransientFault {}

/** Thrown when the Temporal server that the environment names does not answer, or this state's local server does not run. */
export class ServerUnreachableError extends TransientFault {}

/** Not a failure: the person pressed Ctrl-C, or the process was asked to stop. */
export class Interrupted extends Error {
  constructor() {
    super('interrupted');
    this.name = 'Interrupted';
  }
}

/** Thrown when the speeds of this machine cannot be measured: no engine opens, or the state folder cannot be written. */
export class CalibrationError extends PermanentFault {}

/** Thrown when no worker answers for a sweep. Only its workflow knows its members and outcomes. */
export class SweepStateError extends TransientFault {
  constructor(workflowId: string, cause: unknown) {
    super(
      {
        what: `the members of sweep ${workflowId} cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`,
        remedy: 'Start a worker with `npx temporal-pipeline worker`, and try again',
      },
      { cause },
    );
  }
}
