/** How a program that runs models handles a checkpoint with zeros. */
export interface RuntimeFact {
  runtime: string;
  /** Whether it loads the dense format that a run writes. */
  loads: 'yes' | 'after conversion' | 'is a library' | 'no longer maintained';
  /** The patterns of zeros for which it saves time or memory. */
  gains: 'nothing' | '2:4' | 'any zeros at 8 bits';
  statement: string;
  source: string;
  /** Date of the source: of a change or report, or when a page was read. */
  date: string;
}

/** As of November 2026. Add newer findings here, with their source and date. */
export const runtimeFacts: readonly RuntimeFact[] = [
  {
    runtime: 'transformers', loads: 'yes', gains: 'nothing',
    statement: 'loads it as a dense model; support for sparse compressed-tensors checkpoints was dropped with compressed-tensors 0.15',
    source: 'https://github.com/huggingface/transformers/pull/46342', date: '2026-06-02',
  },
  {
    runtime: 'vLLM', loads: 'yes', gains: 'nothing',
    statement: 'loads it as a dense model; its 2:4 kernels and formats were removed',
    source: 'https://github.com/vllm-project/vllm/pull/36799', date: '2026-03-11',
  },
  {
    runtime: 'vLLM 0.24', loads: 'yes', gains: 'nothing',
    statement: 'refuses a config.json whose sparsity_config has targets, even for a dense layout; a run writes none',
    source: 'https://github.com/vllm-project/vllm/pull/51190', date: '2026-08-05',
  },
  {
    runtime: 'compressed-tensors', loads: 'is a library', gains: 'nothing',
    statement: 'sparse formats (sparse-bitmask, sparse-24-bitmask) were removed after 0.14',
    source: 'https://github.com/vllm-project/compressed-tensors/pull/610', date: '2026-03-02',
  },
  {
    runtime: 'torchao', loads: 'is a library', gains: 'nothing',
    statement: 'torchao.sparsity and its kernels were deleted',
    source: 'https://github.com/pytorch/ao/pull/4728', date: '2026-08-08',
  },
  {
    runtime: 'PyTorch', loads: 'yes', gains: '2:4',
    statement: 'torch.sparse.to_sparse_semi_structured converts 2:4 matrices of a loaded model on NVIDIA GPUs; the interface is beta',
    source: 'https://docs.pytorch.org/docs/stable/sparse.html', date: '2026-11-30',
  },
  {
    runtime: 'TensorRT-LLM', loads: 'yes', gains: 'nothing',
    statement: 'the TensorRT engine backend, which had --weight_sparsity, was removed; the PyTorch backend loads the checkpoint as a dense model',
    source: 'https://nvidia.github.io/TensorRT-LLM/legacy/tensorrt-backend-removal.html', date: '2026-11-30',
  },
  {
    runtime: 'TensorRT-LLM, before', loads: 'after conversion', gains: 'nothing',
    statement: 'a user measured no gain from 2:4 in FP16 on an L4 with --weight_sparsity (open report)',
    source: 'https://github.com/NVIDIA/Model-Optimizer/issues/1974', date: '2026-07-14',
  },
  {
    runtime: 'llama.cpp', loads: 'after conversion', gains: 'nothing',
    statement: 'has no sparse formats; the request for them was closed as stale',
    source: 'https://github.com/ggml-org/llama.cpp/issues/3594', date: '2023-10-12',
  },
  {
    runtime: 'OpenVINO', loads: 'after conversion', gains: 'any zeros at 8 bits',
    statement: 'CPU_SPARSE_WEIGHTS_DECOMPRESSION_RATE packs sparse weights; shown for 8-bit models on 4th-generation Xeon',
    source: 'https://docs.openvino.ai/2025/notebooks/sparsity-optimization-with-output.html', date: '2026-11-30',
  },
  {
    runtime: 'DeepSparse', loads: 'no longer maintained', gains: 'nothing',
    statement: 'ran unstructured sparsity on CPUs; its development ended',
    source: 'https://github.com/neuralmagic/deepsparse', date: '2025-06-02',
  },
];
