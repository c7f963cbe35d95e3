"""What compressed-tensors itself makes of pruned checkpoints, and what it reads from ours.

    python3 -m venv venv && venv/bin/pip install torch "compressed-tensors==0.14.0.1" "transformers<5"
    venv/bin/python test/golden/compressed-tensors/golden.py make                  # writes the folders beside this file
    venv/bin/python test/golden/compressed-tensors/golden.py check EXPORTED DENSE  # decompresses EXPORTED, and compares

Each folder is a tiny pruned checkpoint (`model.safetensors`, dense with zeros) with `expected.safetensors`: its linears as the
library compresses them. `check` exits with 0 if every tensor of DENSE comes back with the same bits.
"""

import json
import sys
from pathlib import Path

import torch
from compressed_tensors.compressors import BaseCompressor
from compressed_tensors.config import SparsityCompressionConfig
from safetensors.torch import load_file, save_file

HERE = Path(__file__).parent
# Rows of 12 and 20 weights do not fill their last byte of bits.
HIDDEN, INNER = 12, 20
SHAPES = {
    "self_attn.q_proj": (HIDDEN, HIDDEN), "self_attn.k_proj": (4, HIDDEN), "self_attn.v_proj": (4, HIDDEN), "self_attn.o_proj": (HIDDEN, HIDDEN),
    "mlp.gate_proj": (INNER, HIDDEN), "mlp.up_proj": (INNER, HIDDEN), "mlp.down_proj": (HIDDEN, INNER),
}
FOLDERS = {"half": ("sparse-bitmask", torch.float16), "half-bf16": ("sparse-bitmask", torch.bfloat16), "two-of-four": ("sparse-24-bitmask", torch.float32)}


def compressor_of(format):
    return BaseCompressor.load_from_registry(format, config=SparsityCompressionConfig.load_from_registry(format))


def prune(weight, format):
    if format == "sparse-24-bitmask":
        groups = weight.abs().reshape(-1, 4)
        kept = torch.zeros_like(groups, dtype=torch.bool).scatter_(1, groups.topk(2, dim=1).indices, True).reshape(weight.shape)
    else:
        kept = weight.abs() > weight.abs().median()
    return weight * kept


def make():
    for name, (format, dtype) in FOLDERS.items():
        generator = torch.Generator().manual_seed(5)
        dense = {f"model.layers.0.{path}.weight": prune(torch.randn(shape, generator=generator), format).to(dtype) for path, shape in SHAPES.items()}
        linears = [path.removesuffix(".weight") for path in dense]
        dense["model.embed_tokens.weight"] = torch.randn((8, HIDDEN), generator=generator).to(dtype)
        folder = HERE / name
        folder.mkdir(exist_ok=True)
        (folder / "config.json").write_text(json.dumps({"model_type": "llama", "hidden_size": HIDDEN}) + "\n")
        save_file(dense, folder / "model.safetensors", {"format": "pt"})
        save_file({key: value.contiguous() for key, value in compressor_of(format).compress(dense, compression_targets=set(linears)).items()}, folder / "expected.safetensors")


def check(exported, dense):
    config = json.loads((Path(exported) / "config.json").read_text())["quantization_config"]["sparsity_config"]
    found = dict(compressor_of(config["format"]).decompress(exported))
    wanted = {}
    for file in sorted(Path(dense).glob("*.safetensors")):
        wanted.update(load_file(file))
    bits = lambda tensor: tensor.contiguous().view(torch.uint8)
    wrong = [name for name, tensor in wanted.items() if name not in found or found[name].dtype != tensor.dtype or not torch.equal(bits(found[name]), bits(tensor))]
    wrong += [name for name in found if name not in wanted]
    print(f"{config['format']}: {len(wanted)} tensors, {len(config['targets'])} of them sparse, {len(wrong)} different {wrong}")
    return 1 if wrong else 0


if __name__ == "__main__":
    if sys.argv[1:] == ["make"]:
        make()
    else:
        sys.exit(check(*sys.argv[2:4]))
