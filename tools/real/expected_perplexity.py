"""What transformers gives for a real model, for tools/bench/real.ts to compare with.

    pip install torch transformers
    python tools/real/expected_perplexity.py FOLDER TEXT [WINDOWS] [TOKENS OF A WINDOW]

The text is tokenised whole, without special tokens. Perplexity in float32: the mean over the first windows of the mean over the scored tokens.
"""

import json
import math
import sys
from pathlib import Path

import torch
import transformers
from tokenizers import Tokenizer
from transformers import AutoModelForCausalLM

if __name__ == "__main__":
    folder, text = (Path(argument) for argument in sys.argv[1:3])
    windows, length = (int(argument) for argument in (sys.argv[3:5] + ["8", "256"][len(sys.argv) - 3:]))
    ids = Tokenizer.from_file(str(folder / "tokenizer.json")).encode(text.read_text(encoding="utf-8"), add_special_tokens=False).ids
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
    loss = 0.0
    with torch.no_grad():
        for window in range(windows):
            batch = torch.tensor([ids[window * length:(window + 1) * length]])
            loss += model(input_ids=batch, labels=batch).loss.item()
    print(json.dumps({
        "model": folder.name, "text": text.name, "tokens": len(ids), "windows": windows, "sequenceLength": length,
        "perplexity": math.exp(loss / windows), "transformers": transformers.__version__}))
