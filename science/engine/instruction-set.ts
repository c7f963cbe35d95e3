import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';

const avx512 = ['avx512f', 'avx512bw', 'avx512vl', 'avx512dq'];
const avx512bf16 = [...avx512, 'avx512_vnni', 'avx512_bf16'];
const avx512fp16 = [...avx512bf16, 'avx_vnni', 'avx512_fp16'];
const amx = [...avx512fp16, 'amx_tile', 'amx_int8', 'amx_bf16'];

/** Instruction set levels of oneDNN on x86, the highest first: oneDNN's name, and the CPU flags that it requires. */
const levels: readonly (readonly [name: string, flags: readonly string[]])[] = [
  ['avx512_core_amx_fp16', [...amx, 'amx_fp16']],
  ['avx512_core_amx', amx],
  ['avx512_core_fp16', avx512fp16],
  ['avx512_core_bf16', avx512bf16],
  ['avx512_core_vnni', [...avx512, 'avx512_vnni']],
  ['avx512_core', avx512],
  ['avx2_vnni_2', ['avx2', 'fma', 'avx_vnni', 'avx_vnni_int8', 'avx_ne_convert']],
  ['avx2_vnni', ['avx2', 'fma', 'avx_vnni']],
  ['avx2', ['avx2', 'fma']],
  ['avx', ['avx']],
  ['sse41', ['sse4_1']],
];

/** Features of ARM processors that determine the choice of kernels. */
const armFeatures = ['asimd', 'asimddp', 'bf16', 'i8mm', 'sve', 'sve2'];

/** Environment variables that limit the choice of kernels. */
const limits = ['ONEDNN_MAX_CPU_ISA', 'DNNL_MAX_CPU_ISA', 'TF_ENABLE_ONEDNN_OPTS'];

/**
 * The vector instructions by which TensorFlow and oneDNN choose their kernels. Other kernels add in another order, so their bits differ.
 *
 * @param cpuinfo text of `/proc/cpuinfo`
 * @param model name of the processor, used if `cpuinfo` has no flags
 */
export function instructionSet(cpuinfo = readCpuinfo(), model = cpus()[0]?.model ?? 'unknown processor', env: Readonly<Record<string, string | undefined>> = process.env): string {
  const set = limits.flatMap((name) => (env[name] === undefined || env[name] === '' ? [] : [`${name}=${env[name]}`]));
  return [ofFlags(cpuinfo) ?? model, ...set].join(', ');
}

function ofFlags(cpuinfo: string): string | undefined {
  const has = new Set(/^(?:flags|Features)\s*:\s*(.+)$/m.exec(cpuinfo)?.[1]?.split(/\s+/));
  const arm = armFeatures.filter((feature) => has.has(feature));
  if (arm.length > 0) return arm.join('+');
  return levels.find(([, flags]) => flags.every((flag) => has.has(flag)))?.[0];
}

function readCpuinfo(): string {
  try {
    return readFileSync('/proc/cpuinfo', 'utf8');
  } catch {
    return '';
  }
}
