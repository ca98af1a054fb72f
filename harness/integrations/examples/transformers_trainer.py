"""Hugging Face's Trainer: a classifier of texts gets more labels while it is trained.

`python -m harness.integrations.examples.transformers_trainer FOLDER`
"""

import sys
from pathlib import Path
from typing import Any

import torch
from transformers import BertConfig, BertForSequenceClassification, Trainer, TrainingArguments

from harness.growth import AtStep, GrowthRule, OldParameters, WidenHead, consolidate
from harness.growth.freezing import NoFreezing
from harness.integrations.transformers import GrowthTrainerCallback

__all__ = ["examples", "model", "rules", "trainer"]


def model() -> BertForSequenceClassification:
    """Return a small BERT with random weights and three labels; a pretrained one grows alike."""
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=40,
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=12,
        num_labels=3,
    )
    return BertForSequenceClassification(config)


def examples(count: int = 64) -> list[dict[str, Any]]:
    """Return texts of eight tokens, whose label is the first of them modulo three."""
    tokens = torch.randint(3, 40, (count, 8), generator=torch.Generator().manual_seed(0))
    return [{"input_ids": row, "attention_mask": torch.ones_like(row), "labels": int(row[0]) % 3} for row in tokens]


def rules(step: int = 4) -> list[GrowthRule]:
    """Return rules by which two labels come late, and all that was there before stands still from then on."""
    return [
        GrowthRule(trigger=AtStep(step=step), operation=WidenHead(path="classifier", to=5), freeze=NoFreezing()),
        GrowthRule(trigger=AtStep(step=step + 4), operation=WidenHead(path="classifier", to=6), freeze=OldParameters()),
    ]


def trainer(folder: Path, network: BertForSequenceClassification, *callbacks: Any, **settings: Any) -> Trainer:
    """Return a quiet trainer on the CPU."""
    arguments = TrainingArguments(
        output_dir=str(folder),
        per_device_train_batch_size=8,
        learning_rate=1e-3,
        use_cpu=True,
        report_to="none",
        disable_tqdm=True,
        logging_strategy="no",
        **settings,
    )
    return Trainer(network, arguments, train_dataset=examples(), callbacks=list(callbacks))


if __name__ == "__main__":
    network = model()
    trainer(Path(sys.argv[1]), network, GrowthTrainerCallback(rules()), max_steps=16, save_steps=8).train()
    consolidate(network)
    network.save_pretrained(Path(sys.argv[1]) / "grown")  # from_pretrained loads it without this project
