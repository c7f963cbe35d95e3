"""Makes a tiny random model of any decoder that transformers knows, and records the logits that transformers gives for it.

    pip install torch transformers safetensors
    python tools/family/make-reference.py MODEL_TYPE FOLDER [KEY=JSON ...]

    python tools/family/make-reference.py gemma2 /tmp/gemma2 sliding_window=6 attn_logit_softcapping=2.0

The folder is an ordinary Hugging Face checkpoint, with `expected.safetensors` beside it: `input_ids` (I32, [2, 20]) and
`logits` (F32, [2, 20, vocabulary]). The logits come from the folder as it lies on disk, loaded in float32. KEY=JSON sets a
key of the config. `seed=N` sets the seed of the random values.

`test/golden/families/make_families.py` makes the committed folders with the functions of this file.
"""

import json
import shutil
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import AutoConfig, AutoModelForCausalLM

TOKENS = 20

# Small values of the keys that decoders have. A config gets those that its class knows.
TINY = dict(
    vocab_size=40, hidden_size=16, intermediate_size=24, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2, head_dim=8,
    max_position_embeddings=32, tie_word_embeddings=False, bos_token_id=1, eos_token_id=2, pad_token_id=None,
    ffn_dim=24, word_embed_proj_dim=16, dropout=0.0, attention_dropout=0.0, hidden_dropout=0.0,
)


def tiny_config(model_type, **changes):
    known = AutoConfig.for_model(model_type)
    return AutoConfig.for_model(model_type, **{**{key: value for key, value in TINY.items() if hasattr(known, key)}, **changes})


def randomize(model, seed):
    """Random values in every tensor: norms as they are initialized and biases of zeros would hide mistakes."""
    generator = torch.Generator().manual_seed(seed)
    for name, tensor in sorted(model.named_parameters()):
        noise = torch.randn(tensor.shape, generator=generator)
        is_norm = "norm" in name and name.endswith("weight")
        with torch.no_grad():
            tensor.copy_(tensor + 0.2 * noise if is_norm else 0.25 * noise)


def save_plainly(model, folder):
    model.save_pretrained(folder)


def make_reference(config, seed, folder, save=save_plainly):
    """Writes the folder. `save` writes the checkpoint where it is to be an unusual one."""
    shutil.rmtree(folder, ignore_errors=True)
    model = AutoModelForCausalLM.from_config(config, attn_implementation="eager")
    randomize(model, seed)
    save(model, folder)
    (folder / "generation_config.json").unlink(missing_ok=True)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
    vocabulary = config.get_text_config().vocab_size
    ids = torch.randint(3, vocabulary, (2, TOKENS), generator=torch.Generator().manual_seed(1000 + seed))
    with torch.no_grad():
        logits = model(input_ids=ids, use_cache=False).logits
    assert torch.isfinite(logits).all()
    save_file({"input_ids": ids.to(torch.int32), "logits": logits.contiguous()}, folder / "expected.safetensors")
    print(f"{folder.name}: {len(list(folder.glob('*.safetensors'))) - 1} file(s) of weights, logits of deviation {logits.std():.3f}")


if __name__ == "__main__":
    torch.set_num_threads(1)
    kind, target, *pairs = sys.argv[1:]
    given = {key: json.loads(value) for key, value in (pair.split("=", 1) for pair in pairs)}
    number = given.pop("seed", 0)
    make_reference(tiny_config(kind, **given), number, Path(target))
