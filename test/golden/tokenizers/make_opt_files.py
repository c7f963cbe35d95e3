"""Makes `opt-files/`: the tokenizer of an OPT repository, which has no tokenizer.json, and the tokens that transformers gives.

    pip install transformers==4.40.2
    python test/golden/tokenizers/make_opt_files.py

Vocabulary and merges are those of bpe-opt.json. tokenizer_config.json and special_tokens_map.json are laid out as in facebook/opt-125m.
"""

import json
from pathlib import Path

from transformers import AutoTokenizer

here = Path(__file__).parent
folder = here / "opt-files"
model = json.loads((here / "bpe-opt.json").read_text())["model"]
texts = json.loads((here / "ids.jsonl").read_text().splitlines()[0])["texts"]


def token(content):
    return {"__type": "AddedToken", "content": content, "lstrip": False, "normalized": True, "rstrip": False, "single_word": False}


(folder / "vocab.json").write_text(json.dumps(model["vocab"], ensure_ascii=False))
(folder / "merges.txt").write_text("#version: 0.2\n" + "".join(" ".join(pair) + "\n" for pair in model["merges"]))
special = {"bos_token": token("</s>"), "eos_token": token("</s>"), "unk_token": token("</s>"), "pad_token": "<pad>"}
(folder / "tokenizer_config.json").write_text(json.dumps({"errors": "replace", **special, "add_prefix_space": False, "add_bos_token": True, "tokenizer_class": "GPT2Tokenizer"}))
(folder / "special_tokens_map.json").write_text(json.dumps({name: {k: v for k, v in t.items() if k != "__type"} if isinstance(t, dict) else t for name, t in special.items()}))

slow = AutoTokenizer.from_pretrained(folder, use_fast=False)
texts += ["a</s>b <pad> c", " leading", "trailing ", "</s>"]
ids = [{"text": text, "plain": slow(text, add_special_tokens=False).input_ids, "special": slow(text).input_ids} for text in texts]
(folder / "ids.jsonl").write_text("".join(json.dumps(line) + "\n" for line in ids))
fast = AutoTokenizer.from_pretrained(folder, use_fast=True)
print(type(slow).__name__, type(fast).__name__, [fast(t["text"]).input_ids == t["special"] and fast(t["text"], add_special_tokens=False).input_ids == t["plain"] for t in ids])
