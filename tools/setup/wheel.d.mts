/** A TensorFlow wheel on the package index. */
export interface Wheel {
  name: string;
  version: string;
  /** Platform tags that pip shall look for. */
  tags: string[];
  /** Whether it is the one for NVIDIA GPUs, which needs CUDA packages besides. */
  cuda: boolean;
  /** Bytes that it takes while being unpacked. */
  disk: number;
}
/** Version of TensorFlow that set-up installs. */
export const tensorflowVersion: string;
/** Wheels for a machine kind (`linux-x64`), the best first; none where TensorFlow has none. */
export function wheelsFor(machineKind: string, hasNvidiaGpu: boolean): Wheel[];
/** Path of a Python on the PATH that has pip. */
export function findPythonWithPip(): string | undefined;
/** Fills `target` with `include/` and `lib/` of a wheel. */
export function unpackTensorflow(pythonPath: string, wheel: Wheel, target: string): Promise<void>;
