"""Makes `expected.json`: what lm-evaluation-harness says about the documents beside this file and the demo model.

    pip install "lm-eval[hf]==0.4.13" torch transformers==5.23.0
    python test/golden/zero-shot/make_zero_shot.py

The tasks are the harness's own (prompts, answers, metrics); only their documents come from `documents/`, which have the fields of
the datasets on the hub. No examples, no BOS token, float32.
"""

import json
from importlib.metadata import version
from pathlib import Path

import torch
from lm_eval import evaluator
from lm_eval.models.huggingface import HFLM
from lm_eval.tasks import TaskManager

here = Path(__file__).resolve().parent
model = here.parents[2] / "pipelines/demo/model"
tasks = ["arc_easy", "arc_challenge", "openbookqa", "piqa", "boolq", "rte", "winogrande", "hellaswag"]


def evaluate(name, lm, manager):
    file = str(here / f"documents/{name}.jsonl")
    data = {"data_files": {split: file for split in ("train", "validation", "test")}}
    # A dictionary as a task would replace the harness's own; this is how the harness itself overrides parts of one.
    overrides = {"dataset_path": "json", "dataset_name": None, "dataset_kwargs": data}
    task = manager._factory.build(manager._entry(name), overrides=overrides, registry=manager._index)
    found = evaluator.evaluate(lm=lm, task_dict={name: task}, log_samples=True, bootstrap_iters=0)
    metrics = found["results"][name]
    samples = sorted(found["samples"][name], key=lambda sample: sample["doc_id"])
    return {
        "acc": metrics["acc,none"],
        "acc_norm": metrics.get("acc_norm,none"),
        "documents": len(samples),
        "log_likelihoods": [[response[0] for response in sample["filtered_resps"]] for sample in samples],
        "first_request": [samples[0]["arguments"][0][0][:400], samples[0]["arguments"][0][1]],
    }


if __name__ == "__main__":
    torch.set_num_threads(1)
    # The harness wants a token to put before an empty context. The demo tokenizer has none for that, and no context is empty.
    lm = HFLM(pretrained=str(model), dtype="float32", device="cpu", batch_size=1, prefix_token_id=0)
    manager = TaskManager()
    expected = {
        "harness": version("lm_eval"),
        "transformers": version("transformers"),
        "torch": torch.__version__,
        "model": "demo",
        "documents_per_task": 100,
        "max_length": lm.max_length,
        "tasks": {name: evaluate(name, lm, manager) for name in tasks},
    }
    (here / "expected.json").write_text(json.dumps(expected, indent=1, ensure_ascii=False) + "\n")
