import { statfsSync } from 'node:fs';
import { dirname } from 'node:path';
import { TransientFault, PermanentFault } from '../errors/fault.js';

/** The compute process ended during its work: a native crash, or the system killed it because memory ran out. */
export class ComputeCrashedError extends TransientFault {
  constructor(how: string, lastWords: string) {
    super({
      where: 'compute process',
      what: `it ended during an activity (${how})${lastWords === '' ? '' : `; its last output was: ${lastWords}`}`,
      remedy: 'The layer in flight is retried in a new process; if this happens again, check whether the machine runs out of memory',
    });
  }
}

/** The engine has no memory left for a tensor, on a GPU or on the host. The tensors that the compute process kept are freed, and the work is retried. */
export class EngineMemoryError extends TransientFault {
  constructor(error: Error) {
    const [, shape, device] = /allocating tensor with shape\[([\d,]*)\].*device:(\w+:\d+)/.exec(error.message) ?? [];
    super(
      {
        where: device === undefined ? 'engine' : `memory of ${device}`,
        what: `TensorFlow has no room for ${shape === undefined ? 'a tensor' : `a tensor of ${shape.split(',').join(' x ')}`}`,
        remedy: 'Stop other programs that use this memory, use a device with more of it, or lower calibration.samples or sequenceLength; `temporal-pipeline plan` predicts what is needed. Finished layers are kept',
      },
      { cause: error },
    );
  }
}

/** A temporary problem of the operating system: disk full, too many open files, I/O error. */
export class SystemTroubleError extends TransientFault {
  constructor(error: NodeJS.ErrnoException) {
    const isFull = error.code === 'ENOSPC' || error.code === 'EDQUOT';
    super(
      {
        what: isFull ? `${error.message}${spaceAt(error.path)}` : error.message,
        ...(error.path === undefined ? {} : { where: error.path }),
        remedy: isFull ? 'Free some disk space; the run continues by itself' : 'This is retried automatically',
      },
      { cause: error },
    );
  }
}

/** Describes the free space at a file that could not be written. Its folder may no longer exist. */
function spaceAt(path = ''): string {
  const folder = dirname(path);
  try {
    const { bavail, blocks, bsize } = statfsSync(folder);
    const bytes = (count: number): string => (count * bsize).toLocaleString('en-US');
    return ` (${bytes(bavail)} of the disk's ${bytes(blocks)} bytes are free, and it needs more)`;
  } catch {
    return folder === dirname(folder) ? '' : spaceAt(folder);
  }
}

/** The files of the model are not those that the run began with. */
export class ModelChangedError extends PermanentFault {
  constructor(folder: string) {
    super({
      where: folder, what: 'the model has changed since the run began, or this machine has another one there',
      expected: 'the config.json and the weights that the run began with', remedy: 'Restore them, or start a new run with the model as it is',
    });
  }
}

/** A bug in the program. A retry would fail again. */
export class InternalError extends PermanentFault {
  constructor(error: unknown) {
    const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    super({ what: `the program failed unexpectedly: ${text}`, remedy: 'Please report this with the log file' }, { cause: error });
  }
}

/** The worker that took over a run has a different engine from the one that began it, so the bits of the result would differ. */
export class EngineChangedError extends PermanentFault {
  constructor(begun: string, here: string) {
    super({
      where: 'engine',
      what: `this run started with ${begun}, but this worker has ${here}`,
      remedy: 'Start a worker with the original engine, or cancel the run and start the pipeline again',
    });
  }
}

/** A setting of the pipeline does not fit the model that it names. Thrown before any work is done. */
export class PipelineModelMismatchError extends PermanentFault {}

/** The hub refuses the documents of a zero-shot task. */
export class TaskDocumentsError extends PermanentFault {}

/** The documents of a zero-shot task cannot be downloaded now: the hub cannot be reached, or the disk is full. */
export class TaskDocumentsMissingError extends TransientFault {}

/** A file that the pipeline names cannot be read, or has changed since the run began. */
export class InputFileError extends PermanentFault {
  constructor(file: string, what: string, remedy: string) {
    super({ where: file, what, remedy });
  }
}

/** The pipeline names a file outside the folders that the worker's owner allows, or a link that leads there. */
export class PathNotAllowedError extends PermanentFault {}

/** A mask file lacks a linear of the model, or has a different number of weights for it. */
export class MaskFileMismatchError extends PermanentFault {}

/** A run is to be published, but its checkpoint is on another machine, and the store does not keep it. */
export class OutputsElsewhereError extends PermanentFault {
  constructor(name: string, checkpoint: string) {
    super({
      where: name, what: `there is no checkpoint ${checkpoint} on this machine, and the store does not have it`,
      remedy: 'Publish it on the machine where it was made, or add `outputs: { keep: [checkpoint, mask, report] }` to the pipeline and run it again: finished work is reused',
    });
  }
}

/** A pipeline asks to publish to a repository that the worker's owner does not allow. */
export class PublishNotAllowedError extends PermanentFault {
  constructor(repository: string, allowed: readonly string[]) {
    super({
      where: 'outputs.publish', what: `this worker does not publish to ${repository}`, expected: allowed.length === 0 ? 'no `outputs.publish`' : `a repository of ${allowed.join(' or ')}`,
      remedy: "Have the worker's owner allow its organisation with `worker --allow-publish` (or LLM_BARBER_ALLOW_PUBLISH), or fetch the outputs and publish them with `temporal-pipeline publish`",
    });
  }
}

/** NaN or infinity in hidden states, errors or losses: the model or its numerics fail at that layer. */
export class NonFiniteValueError extends PermanentFault {
  constructor(where: string, value: number) {
    super({
      where,
      what: `the result is ${value}`,
      expected: 'finite numbers',
      remedy: 'Check that the checkpoint is intact (it is read in float32), and that the model is supported',
    });
  }
}

/** A run reached a worker that another run had just taken. Temporal retries, and a free worker takes the run. */
export class SeatTakenError extends TransientFault {
  constructor() {
    super({ where: 'worker', what: 'another run has taken the seat', remedy: 'A free worker will take this run; start more workers to run more at once' });
  }
}

/** The worker no longer works for this run. The run continues where it stopped, on another worker of the same store. */
export class SeatLostError extends TransientFault {
  constructor(why: string) {
    super({ where: 'worker', what: why, remedy: 'The run continues with the next free worker' });
  }
}

/** A run reached a worker whose store does not have the run's artifacts. */
export class OtherStoreError extends TransientFault {
  constructor(begunIn: string, here: string, store: string) {
    super({
      where: store,
      what: `this run's artifacts are in store ${begunIn}, but this worker has store ${here}`,
      remedy: 'Start a worker with the store of the run (--store, or its --state); give workers with different stores different task queues (--task-queue)',
    });
  }
}
