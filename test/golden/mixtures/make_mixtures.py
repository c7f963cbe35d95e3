"""Trains the small mixtures of experts beside this file on the demo's calibration text, and records what transformers gives for them.

    pip install torch transformers==5.24.0 safetensors
    python test/golden/mixtures/make_mixtures.py [FOLDER]

Each folder is an ordinary Hugging Face checkpoint in float16 with the demo's tokenizer. `expected.json` has the perplexity of the demo's
held-out text by transformers, in float32: windows of 64 tokens, without special tokens, the mean over the 63 scored ones of each.
"""

import json
import math
import shutil
import sys
from pathlib import Path

import torch
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

ROOT = Path(__file__).parents[3]
DEMO = ROOT / "pipelines/demo"
WINDOW = 64
COMMON = dict(
    hidden_size=32, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2, head_dim=8, max_position_embeddings=128,
    tie_word_embeddings=True, bos_token_id=None, eos_token_id=None, pad_token_id=None)
CONFIGS = {
    "mixtral": ("mixtral", dict(COMMON, intermediate_size=48, num_local_experts=4, num_experts_per_tok=2)),
    "qwen3-moe": ("qwen3_moe", dict(
        COMMON, intermediate_size=48, moe_intermediate_size=24, num_experts=8, num_experts_per_tok=2, norm_topk_prob=True)),
}


def windows_of(tokenizer, name):
    ids = tokenizer((DEMO / name).read_text(), add_special_tokens=False, return_tensors="pt").input_ids[0]
    return ids[: len(ids) // WINDOW * WINDOW].reshape(-1, WINDOW)


def train(model, windows, steps=700, batch=16):
    optimizer = torch.optim.AdamW(model.parameters(), lr=6e-3, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=6e-3, total_steps=steps)
    generator = torch.Generator().manual_seed(7)
    for _ in range(steps):
        chosen = windows[torch.randint(len(windows), (batch,), generator=generator)]
        out = model(input_ids=chosen, labels=chosen, output_router_logits=True)
        out.loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        schedule.step()


def perplexity(model, windows):
    with torch.no_grad():
        return math.exp(sum(model(input_ids=w[None], labels=w[None]).loss.item() for w in windows) / len(windows))


if __name__ == "__main__":
    torch.set_num_threads(1)
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
    tokenizer = AutoTokenizer.from_pretrained(DEMO / "model")
    training, heldout = (windows_of(tokenizer, name) for name in ("calibration.txt", "heldout.txt"))
    for name, (kind, values) in CONFIGS.items():
        torch.manual_seed(3)
        config = AutoConfig.for_model(kind, vocab_size=len(tokenizer), router_aux_loss_coef=0.02, **values)
        model = AutoModelForCausalLM.from_config(config, attn_implementation="eager")
        train(model.train(), training)
        folder = target / name
        shutil.rmtree(folder, ignore_errors=True)
        model.to(torch.float16).save_pretrained(folder)
        (folder / "generation_config.json").unlink(missing_ok=True)
        for file in ("tokenizer.json", "tokenizer_config.json"):
            shutil.copy(DEMO / "model" / file, folder / file)
        model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
        found = perplexity(model, heldout)
        (folder / "expected.json").write_text(json.dumps({"perplexity": found, "windows": len(heldout)}) + "\n")
        print(name, found, "of training text", perplexity(model, training))
