"""Makes the files beside this script: state dicts that torch itself writes, with what transformers and torch read from them.

    pip install torch transformers safetensors
    python test/golden/pytorch/make_pytorch.py [FOLDER]

`tensors.bin`: every dtype, a scalar, an empty tensor, a part of a storage, two names of one tensor, parameters.
`tensors.safetensors`: the same values, made contiguous and separate.
`opt/`: a random OPT as transformers wrote it before safetensors, in two shards, with its logits in `expected.safetensors`.
Refused, because no state dict needs it: `transposed.bin`, `legacy.bin` (the format before torch 1.6), `nested.bin`, `module.bin`.
"""

import sys
from pathlib import Path

import torch
import transformers
from safetensors.torch import save_file
from transformers import OPTConfig, OPTForCausalLM

folder = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent)
torch.manual_seed(0)

base = torch.randn(6, 4)
tensors = {
    "f32": torch.randn(3, 5),
    "f16": torch.randn(4).half(),
    "bf16": torch.randn(2, 2, 2).bfloat16(),
    "i64": torch.arange(5),
    "u8": torch.arange(7, dtype=torch.uint8),
    "bool": torch.tensor([True, False, True]),
    "scalar": torch.tensor(2.5),
    "empty": torch.zeros(0, 3),
    "rows": base[2:5],
    "whole": base,
    "tied": base,
    "parameter": torch.nn.Parameter(torch.randn(2, 3)),
    "one column": torch.randn(4, 1).t().contiguous().t(),
}
torch.save(torch.nn.Module.state_dict(torch.nn.ParameterDict()) | tensors, folder / "tensors.bin")
save_file({name: t.detach().clone().contiguous() for name, t in tensors.items()}, folder / "tensors.safetensors")

torch.save({"w": torch.randn(3, 2).t()}, folder / "transposed.bin")
torch.save({"w": torch.randn(2)}, folder / "legacy.bin", _use_new_zipfile_serialization=False)
torch.save({"model": {"w": torch.randn(2)}}, folder / "nested.bin")
torch.save(torch.nn.Linear(2, 2), folder / "module.bin")

config = OPTConfig(
    vocab_size=40, hidden_size=16, ffn_dim=24, num_hidden_layers=2, num_attention_heads=4, max_position_embeddings=32,
    word_embed_proj_dim=16, dropout=0.0, bos_token_id=2, eos_token_id=2, pad_token_id=1, torch_dtype="float16",
)
model = OPTForCausalLM(config).half()
with torch.no_grad():
    for parameter in model.parameters():
        parameter.normal_(0, 0.3)
model.save_pretrained(folder / "opt", safe_serialization=False, max_shard_size="8KB")
loaded = OPTForCausalLM.from_pretrained(folder / "opt", torch_dtype=torch.float32).eval()
ids = torch.randint(3, 40, (2, 20))
with torch.no_grad():
    logits = loaded(ids).logits
save_file({"input_ids": ids.int(), "logits": logits.contiguous()}, folder / "opt" / "expected.safetensors")
print(torch.__version__, transformers.__version__, sorted(p.name for p in (folder / "opt").iterdir()))
