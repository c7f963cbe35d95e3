/** Names the environment variables that hold secrets, and removes their values from everything that is written. */

const names = /^(TEMPORAL_API_KEY|TEMPORAL_TLS_CLIENT_KEY_(DATA|PATH)|TEMPORAL_CODEC_AUTH|TEMPORAL_GRPC_META_.+|LLM_BARBER_PAYLOAD_KEY|LLM_BARBER_WEBHOOK(_SECRET)?|MLFLOW_TRACKING_(TOKEN|PASSWORD)|OTEL_EXPORTER_OTLP_([A-Z]+_)?HEADERS|HF_TOKEN|HUGGING_FACE_HUB_TOKEN|AWS_SECRET_ACCESS_KEY|AWS_SESSION_TOKEN)$/;
/** Variables that a process does not need if the hub and the store are the only servers it talks to. */
const forServerOnly = /^(TEMPORAL_|LLM_BARBER_PAYLOAD_KEY|LLM_BARBER_WEBHOOK|MLFLOW_|OTEL_)/;
/** Shorter values could also occur in harmless text. */
const shortest = 8;

/** Secrets from elsewhere, such as a token file. */
const remembered = new Set<string>();

/** Registers a secret that is not in the environment, so that {@link withoutSecrets} removes it too. */
export function rememberSecret(secret: string): void {
  remembered.add(secret);
}

/** The lines of all secrets, in every form to search for. A `_PATH` variable counts only if it holds a key instead of a path. */
function secretsOf(environment: NodeJS.ProcessEnv): string[] {
  const values = Object.entries(environment).flatMap(([name, value]) => (value !== undefined && names.test(name) && (!name.endsWith('_PATH') || value.includes('PRIVATE KEY')) ? [value] : []));
  const lines = [...values, ...remembered].flatMap((value) => value.split(/[\n,]|\\n/)).map((line) => line.trim());
  const found = lines.filter((line) => line.length >= shortest && !line.startsWith('-----'));
  // Also in their JSON form. Longest first, because one may be part of another.
  return found.flatMap((line) => [line, JSON.stringify(line).slice(1, -1)]).sort((a, b) => b.length - a.length);
}

/** Replaces the values of all secret variables, and all registered secrets, by `[secret]`. */
export function withoutSecrets(text: string, environment: NodeJS.ProcessEnv = process.env): string {
  return secretsOf(environment).reduce((rest, secret) => rest.replaceAll(secret, '[secret]'), text);
}

/** The environment for a child process that needs no secrets. */
export function environmentWithoutSecrets(environment: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv {
  return pick(environment, (name) => !forServerOnly.test(name) && !names.test(name));
}

/** Variables that the compute process and its libraries read: those of system, engine, GPU, network and hub, and our own. */
const forCompute = new RegExp(`^(${[
  'PATH|HOME|USER|LOGNAME|LANG|LANGUAGE|TZ|TMPDIR|TMP|TEMP|LC_.*|XDG_.*|LD_.*|DYLD_.*|MALLOC_.*|GLIBC_TUNABLES|SYSTEMROOT|WINDIR|USERPROFILE|APPDATA|LOCALAPPDATA|PATHEXT|COMSPEC',
  'NODE_.*|UV_.*|SSL_CERT_.*|(HTTP|HTTPS|ALL|NO)_PROXY',
  'TF_.*|XLA_.*|CUDA_.*|CUBLAS_.*|CUDNN_.*|NVIDIA_.*|ONEDNN_.*|DNNL_.*|OMP_.*|KMP_.*|GOMP_.*|MKL_.*',
  'HF_.*|HUGGING_?FACE_.*|LLM_BARBER_.*',
].join('|')})$`, 'i');
const forBucket = /^AWS_/;

/**
 * The environment of the compute process, in two parts. `open` is set at its start: other processes can read it, and so can a pipeline
 * that names `/proc/self/environ` as a text. `secret` is sent to the process after its start.
 * @param usesBucket whether its store is a bucket, which needs the AWS variables
 */
export function computeEnvironment(usesBucket: boolean, environment: NodeJS.ProcessEnv = process.env): { open: NodeJS.ProcessEnv; secret: Record<string, string> } {
  const isNeeded = (name: string): boolean => !forServerOnly.test(name) && (forCompute.test(name) || (usesBucket && forBucket.test(name)));
  return {
    open: pick(environment, (name) => isNeeded(name) && !names.test(name)),
    secret: pick(environment, (name) => isNeeded(name) && names.test(name)) as Record<string, string>,
  };
}

function pick(environment: NodeJS.ProcessEnv, isWanted: (name: string) => boolean): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(environment).filter(([name, value]) => value !== undefined && isWanted(name)));
}
