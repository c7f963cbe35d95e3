import { describe, expect, it } from 'vitest';
import { instructionSet } from '../../../science/engine/instruction-set.js';

const x86 = 'fpu sse4_1 avx fma avx2';
const avx512 = `${x86} avx512f avx512dq avx512bw avx512vl`;
const amx = `${avx512} avx512_vnni avx_vnni avx512_bf16 avx512_fp16 amx_bf16 amx_tile amx_int8`;
const intel = (flags: string): string => `processor\t: 0\nmodel name\t: Some(R) CPU\nflags\t\t: ${flags}\nbugs\t\t: none\nprocessor\t: 1\nflags\t\t: ${flags}\n`;
const arm = (features: string): string => `processor\t: 0\nBogoMIPS\t: 100.00\nFeatures\t: ${features}\nCPU architecture: 8\n`;

describe('the instruction set', () => {
  it.each([
    [intel('fpu sse4_1'), 'sse41'],
    [intel('fpu sse4_1 avx'), 'avx'],
    [intel(x86), 'avx2'],
    [intel(`${x86} avx_vnni`), 'avx2_vnni'],
    [intel(avx512), 'avx512_core'],
    [intel(`${avx512} avx512_vnni`), 'avx512_core_vnni'],
    [intel(`${avx512} avx512_vnni avx512_bf16`), 'avx512_core_bf16'],
    [intel(amx), 'avx512_core_amx'],
    [intel(`${amx} amx_fp16`), 'avx512_core_amx_fp16'],
    // A virtual machine may hide some of the flags.
    [intel(amx.replace(' avx512vl', '')), 'avx2_vnni'],
    [arm('fp asimd evtstrm aes asimddp sve i8mm bf16'), 'asimd+asimddp+bf16+i8mm+sve'],
    [arm('fp asimd evtstrm aes'), 'asimd'],
    ['', 'Apple M9'],
    ['processor: 0\n', 'Apple M9'],
  ])('%#: %s', (cpuinfo, expected) => {
    expect(instructionSet(cpuinfo, 'Apple M9', {})).toBe(expected);
  });

  it('names its limits', () => {
    expect(instructionSet(intel(amx), '', { ONEDNN_MAX_CPU_ISA: 'AVX2', TF_ENABLE_ONEDNN_OPTS: '0', DNNL_MAX_CPU_ISA: '' })).toBe('avx512_core_amx, ONEDNN_MAX_CPU_ISA=AVX2, TF_ENABLE_ONEDNN_OPTS=0');
  });
});
