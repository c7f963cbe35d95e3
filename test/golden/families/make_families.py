"""Makes the folders beside this file: a small random model of each decoder family, and the logits that transformers gives for it.

    pip install torch transformers==5.24.0 safetensors
    python test/golden/families/make_families.py [FOLDER]

Each folder is an ordinary Hugging Face checkpoint, and `expected.safetensors` with `input_ids` (I32, [2, 20]) and `logits`
(F32, [2, 20, vocabulary]). The logits come from the folder as it lies on disk, loaded in float32. With the same versions
(VERSIONS.json) the script gives the same bytes again.
"""

import importlib.util
import json
import sys
from pathlib import Path

import torch
import transformers
from safetensors.torch import load_file, save_file
from transformers import Gemma3Config, LlamaConfig, MistralConfig, OPTConfig, Qwen2Config, Qwen3Config

# The name of that file is no name of a module.
source = importlib.util.spec_from_file_location("reference", Path(__file__).parents[3] / "tools/family/make-reference.py")
reference = importlib.util.module_from_spec(source)
source.loader.exec_module(reference)
tiny = reference.tiny_config

WINDOW = 6

COMMON = dict(
    vocab_size=40, hidden_size=16, intermediate_size=24, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2, head_dim=8,
    max_position_embeddings=32, rms_norm_eps=1e-6, tie_word_embeddings=False, bos_token_id=1, eos_token_id=2, pad_token_id=None,
)
OPT = dict(
    vocab_size=40, hidden_size=16, ffn_dim=24, num_hidden_layers=2, num_attention_heads=4, max_position_embeddings=32,
    word_embed_proj_dim=16, dropout=0.0, bos_token_id=2, eos_token_id=2, pad_token_id=1,
)


def rope(kind, theta=10000.0, **parameters):
    return {"rope_type": kind, "rope_theta": theta, **parameters}


LLAMA3 = rope("llama3", 500000.0, factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=16)

GEMMA = dict(sliding_window=WINDOW, query_pre_attn_scalar=12, tie_word_embeddings=True)
GEMMA3 = dict(
    layer_types=["sliding_attention", "full_attention"],
    rope_parameters={"sliding_attention": rope("default", 100.0), "full_attention": rope("linear", 5000.0, factor=2.0)})

YARN = dict(factor=4.0, original_max_position_embeddings=16, beta_fast=1.0, beta_slow=0.01)
LONG = dict(short_factor=[1.0, 1.1, 1.2, 1.3], long_factor=[1.5, 2.0, 3.0, 4.0])
GRANITE = dict(embedding_multiplier=3.0, attention_multiplier=0.2, residual_multiplier=0.7, logits_scaling=4.0)

CONFIGS = {
    "llama-mha-untied": LlamaConfig(**{**COMMON, "num_key_value_heads": 4, "head_dim": 4}),
    "llama-gqa-tied": LlamaConfig(**{**COMMON, "tie_word_embeddings": True}),
    "llama-biased": LlamaConfig(**COMMON, attention_bias=True, mlp_bias=True),
    "llama-rope-linear": LlamaConfig(**COMMON, rope_parameters=rope("linear", factor=2.0)),
    "llama-rope-llama3": LlamaConfig(**COMMON, rope_parameters=LLAMA3),
    "llama-old-spelling": LlamaConfig(**COMMON, rope_parameters=rope("linear", 20000.0, factor=4.0)),
    "llama-fp16": LlamaConfig(**COMMON),
    "llama-bf16-sharded": LlamaConfig(**COMMON),
    "mistral-window": MistralConfig(**COMMON, sliding_window=WINDOW),
    "mistral-no-window": MistralConfig(**COMMON, sliding_window=None),
    "qwen2-tied": Qwen2Config(**{**COMMON, "head_dim": 4, "tie_word_embeddings": True}),
    "qwen2-window-of-some-layers": Qwen2Config(**{**COMMON, "head_dim": 4}, use_sliding_window=True, sliding_window=WINDOW, max_window_layers=1),
    "qwen3": Qwen3Config(**COMMON),
    "qwen3-biased-windowed": Qwen3Config(**COMMON, attention_bias=True, use_sliding_window=True, sliding_window=WINDOW, max_window_layers=1),
    "opt": OPTConfig(**OPT),
    "opt-350m-kind": OPTConfig(**{**OPT, "word_embed_proj_dim": 8}, do_layer_norm_before=False),
    "opt-plain-norms": OPTConfig(
        **OPT, activation_function="gelu", enable_bias=False, layer_norm_elementwise_affine=False, tie_word_embeddings=False),
    "opt-no-final-norm": OPTConfig(**OPT, _remove_final_layer_norm=True),
    "opt-bare-decoder": OPTConfig(**OPT),
    "olmo2": tiny("olmo2"),
    "olmo2-biased-tied": tiny("olmo2", attention_bias=True, tie_word_embeddings=True),
    "gemma2": tiny("gemma2", **GEMMA, attn_logit_softcapping=1.5, final_logit_softcapping=2.0),
    "gemma2-no-caps": tiny(
        "gemma2", sliding_window=WINDOW, attention_bias=True, layer_types=["full_attention", "sliding_attention"],
        attn_logit_softcapping=None, final_logit_softcapping=None),
    "gemma3-text": tiny("gemma3_text", **GEMMA, **GEMMA3, final_logit_softcapping=2.0),
    "gemma3-text-old-spelling": tiny("gemma3_text", **GEMMA, **GEMMA3, attention_bias=True),
    "gemma3": Gemma3Config(
        text_config=tiny("gemma3_text", **GEMMA, **GEMMA3).to_dict(), mm_tokens_per_image=1, boi_token_index=38, eoi_token_index=39,
        image_token_index=37, vision_config=dict(
            model_type="siglip_vision_model", hidden_size=8, intermediate_size=8, num_hidden_layers=1, num_attention_heads=2, image_size=8,
            patch_size=4)),
    "granite": tiny("granite", **GRANITE),
    "granite-biased": tiny("granite", **GRANITE, attention_bias=True, mlp_bias=True, tie_word_embeddings=True),
    "llama-rope-yarn": tiny("llama", rope_parameters=rope("yarn", **YARN)),
    "qwen3-rope-yarn": tiny("qwen3", rope_parameters=rope("yarn", **YARN, truncate=False, mscale=2.0, mscale_all_dim=0.5)),
    "llama-rope-dynamic": tiny("llama", rope_parameters=rope("dynamic", factor=2.0)),
    "llama-rope-longrope": tiny("llama", rope_parameters=rope("longrope", original_max_position_embeddings=16, **LONG)),
    "llama-rope-longrope-short": tiny("llama", rope_parameters=rope("longrope", original_max_position_embeddings=24, factor=3.0, **LONG)),
    "phi3": tiny("phi3", intermediate_size=20, rope_parameters=rope("default", partial_rotary_factor=0.5), sliding_window=WINDOW),
    "phi3-longrope": tiny(
        "phi3", original_max_position_embeddings=16, tie_word_embeddings=True, hidden_size=32,
        rope_parameters=rope("longrope", partial_rotary_factor=0.75, short_factor=[1.0, 1.1, 1.2], long_factor=[1.5, 2.0, 3.0])),
    "gpt-neox": tiny("gpt_neox", num_attention_heads=2, rope_parameters=rope("default", 500.0, partial_rotary_factor=0.5)),
    "gpt-neox-sequential": tiny(
        "gpt_neox", num_attention_heads=2, use_parallel_residual=False, attention_bias=False, tie_word_embeddings=True,
        rope_parameters=rope("default", 2000.0, partial_rotary_factor=0.25)),
    "mixtral": tiny("mixtral", num_local_experts=4),
    "mixtral-windowed": tiny("mixtral", num_local_experts=5, num_experts_per_tok=3, sliding_window=WINDOW, tie_word_embeddings=True),
    "qwen3-moe": tiny("qwen3_moe", moe_intermediate_size=12, num_experts=6, num_experts_per_tok=2, norm_topk_prob=True),
    "qwen3-moe-some-layers": tiny(
        "qwen3_moe", moe_intermediate_size=12, num_experts=4, num_experts_per_tok=2, decoder_sparse_step=2, attention_bias=True,
        use_sliding_window=True, sliding_window=WINDOW),
    "qwen2-moe": tiny("qwen2_moe", moe_intermediate_size=8, num_experts=4, num_experts_per_tok=2, shared_expert_intermediate_size=20),
    "qwen2-moe-some-layers": tiny(
        "qwen2_moe", moe_intermediate_size=8, num_experts=4, num_experts_per_tok=2, shared_expert_intermediate_size=20, mlp_only_layers=[0],
        norm_topk_prob=True, qkv_bias=False, use_sliding_window=True, sliding_window=WINDOW, max_window_layers=2),
    "olmoe": tiny("olmoe", num_experts=4, num_experts_per_tok=2),
    "olmoe-normalized": tiny("olmoe", num_experts=4, num_experts_per_tok=3, norm_topk_prob=True, attention_bias=True, clip_qkv=0.7),
    "mixtral-packed": tiny("mixtral", num_local_experts=4),
    "qwen2-moe-packed": tiny(
        "qwen2_moe", moe_intermediate_size=8, num_experts=4, num_experts_per_tok=2, shared_expert_intermediate_size=20, norm_topk_prob=True),
    "phi3-su": tiny(
        "phi3", original_max_position_embeddings=16, hidden_size=32,
        rope_parameters=rope("longrope", short_factor=[1.0, 1.1, 1.2, 1.3], long_factor=[1.5, 2.0, 3.0, 4.0])),
}


def edit(file, change):
    config = json.loads(file.read_text())
    change(config)
    file.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")


def old_spelling(config):
    """As transformers 4 wrote it."""
    parameters = config.pop("rope_parameters")
    config["rope_theta"] = parameters["rope_theta"]
    config["rope_scaling"] = {"type": parameters["rope_type"], "factor": parameters["factor"]}
    config["torch_dtype"] = config.pop("dtype")


def old_gemma3_spelling(config):
    """As configs on the hub have it."""
    del config["layer_types"]
    config["sliding_window_pattern"] = 2
    parameters = config.pop("rope_parameters")
    config["rope_local_base_freq"] = parameters["sliding_attention"]["rope_theta"]
    config["rope_theta"] = parameters["full_attention"].pop("rope_theta")
    config["rope_scaling"] = parameters["full_attention"]


def old_neox_spelling(config):
    """As Pythia has it."""
    parameters = config.pop("rope_parameters")
    config["rotary_emb_base"] = parameters["rope_theta"]
    config["rotary_pct"] = parameters["partial_rotary_factor"]


def old_phi3_spelling(config):
    """As the first Phi-3 of 128k had it, but for the positions of training, without which transformers 5.24 does not read `su`."""
    parameters = config.pop("rope_parameters")
    config["rope_theta"] = parameters["rope_theta"]
    config["rope_scaling"] = {"type": "su", **{key: parameters[key] for key in ("short_factor", "long_factor", "original_max_position_embeddings")}}


SPELLINGS = {"phi3-su": old_phi3_spelling, "gpt-neox-sequential": old_neox_spelling, "llama-old-spelling": old_spelling, "gemma3-text-old-spelling": old_gemma3_spelling}


def save(name, model, folder):
    if name == "llama-fp16":
        model.to(torch.float16).save_pretrained(folder)
    elif name == "llama-bf16-sharded":
        model.to(torch.bfloat16).save_pretrained(folder, max_shard_size="7KB")
    elif name == "opt-bare-decoder":
        model.save_pretrained(folder)
        tensors = load_file(folder / "model.safetensors")
        save_file({key.removeprefix("model."): value for key, value in tensors.items()}, folder / "model.safetensors", {"format": "pt"})
    elif name.endswith("-packed"):
        # As a program of its own may write them, without transformers' conversion to the layout of the hub.
        model.config.save_pretrained(folder)
        save_file({key: value.contiguous() for key, value in model.state_dict().items()}, folder / "model.safetensors", {"format": "pt"})
    else:
        model.save_pretrained(folder)
    if name in SPELLINGS:
        edit(folder / "config.json", SPELLINGS[name])


if __name__ == "__main__":
    torch.set_num_threads(1)
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
    # A folder's seed is its place in the list, so new ones come last.
    for seed, (name, config) in enumerate(CONFIGS.items()):
        reference.make_reference(config, seed, target / name, lambda model, folder, name=name: save(name, model, folder))
    versions = {"transformers": transformers.__version__, "torch": torch.__version__, "attention": "eager", "dtype": "float32"}
    (target / "VERSIONS.json").write_text(json.dumps(versions, indent=2) + "\n")
