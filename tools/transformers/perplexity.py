"""Perplexity of checkpoints by Hugging Face transformers, in float32.

    pip install torch transformers==5.24.0
    python tools/transformers/perplexity.py TEXT TOKENS CHECKPOINT...

As the pipeline scores: the text without special tokens, in windows of TOKENS tokens, the mean over the scored tokens (all but the
first of each window). Prints JSON: versions, and the perplexity of each checkpoint in the order given.
"""

import json
import math
import sys
from pathlib import Path

import torch
import transformers
from transformers import AutoModelForCausalLM, AutoTokenizer


def perplexity(folder, text, window):
    ids = AutoTokenizer.from_pretrained(folder)(text, add_special_tokens=False, return_tensors="pt").input_ids[0]
    windows = ids[: len(ids) // window * window].reshape(-1, window)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    with torch.no_grad():
        return math.exp(sum(model(input_ids=w[None], labels=w[None]).loss.item() for w in windows) / len(windows))


if __name__ == "__main__":
    transformers.logging.set_verbosity_error()
    text, window, folders = Path(sys.argv[1]).read_text(encoding="utf-8"), int(sys.argv[2]), sys.argv[3:]
    versions = {"transformers": transformers.__version__, "torch": torch.__version__}
    print(json.dumps({"versions": versions, "perplexity": [perplexity(folder, text, window) for folder in folders]}))
