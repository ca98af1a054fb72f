"""Growth of models of transformers and under their Trainer, whose import is paid once here."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from transformers import BertForSequenceClassification

from harness.core.errors import SnapshotError, SpecError
from harness.growth import NoFreezing, WidenHead, consolidate, grow, growth_state, load_grown, save_grown
from harness.integrations.examples.transformers_trainer import examples, model, rules, trainer
from harness.integrations.transformers import GrowthTrainerCallback, resume

pytestmark = pytest.mark.filterwarnings("ignore")

STEPS = {"max_steps": 12, "save_steps": 6}
BATCH = {
    name: torch.stack([torch.as_tensor(example[name]) for example in examples(4)])
    for name in ("input_ids", "attention_mask", "labels")
}


def same(first: nn.Module, second: nn.Module) -> bool:
    one, other = first.state_dict(), second.state_dict()
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("precision", [{}, {"bf16": True, "lr_scheduler_type": "cosine_with_restarts"}])
def test_a_model_grows_and_is_resumed_between_two_growths_to_the_bit(precision: dict[str, Any], tmp_path: Path) -> None:
    whole = model()
    training = trainer(tmp_path, whole, GrowthTrainerCallback(rules()), **STEPS, **precision)
    training.train()
    parts = model()
    again = trainer(tmp_path / "again", parts, GrowthTrainerCallback(rules()), **STEPS, **precision)

    resume(again, tmp_path / "checkpoint-6")

    assert same(whole, parts)
    assert parts.num_labels == parts.config.num_labels == 6
    assert [event.step for event in growth_state(parts).lineage] == [4, 8]
    assert [p.requires_grad for p in parts.parameters()] == [p.requires_grad for p in whole.parameters()]


def test_the_end_of_training_says_what_from_pretrained_would_not_load(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    warning = "harness.integrations.transformers.logger.warning"
    monkeypatch.setattr(warning, lambda words, *values: said.append(words % values))
    grown = model()

    trainer(tmp_path, grown, GrowthTrainerCallback(rules()), max_steps=5).train()

    assert len(said) == 1
    assert "call harness.growth.consolidate(model)" in said[0]
    assert "'classifier'" in said[0]


def test_a_grown_model_is_pretrained_for_who_does_not_know_this_project(tmp_path: Path) -> None:
    network = model()
    network.config.id2label = {0: "good", 1: "bad", 2: "neither"}
    network.config.label2id = {name: index for index, name in network.config.id2label.items()}
    optimizer = torch.optim.AdamW(network.parameters(), lr=0.01)
    network(**BATCH).loss.backward()
    optimizer.step()
    grow(network, optimizer, WidenHead(path="classifier", to=5))
    network(**{**BATCH, "labels": BATCH["labels"] + 2}).loss.backward()
    optimizer.step()

    consolidate(network, optimizer)
    network.eval().save_pretrained(tmp_path)
    loaded = BertForSequenceClassification.from_pretrained(tmp_path)

    assert torch.equal(loaded(**BATCH).logits, network(**BATCH).logits)
    assert loaded.config.id2label == {0: "good", 1: "bad", 2: "neither", 3: "LABEL_3", 4: "LABEL_4"}
    assert loaded.config.label2id["LABEL_4"] == 4
    exported = torch.export.export(network, (BATCH["input_ids"], BATCH["attention_mask"])).module()
    assert torch.equal(exported(BATCH["input_ids"], BATCH["attention_mask"]).logits, network(**BATCH).logits)


def test_labels_follow_into_a_fresh_model(tmp_path: Path) -> None:
    network = model()
    grow(network, torch.optim.SGD(network.parameters(), lr=0.1), WidenHead(path="classifier", to=5))
    save_grown(tmp_path, network)

    fresh = model()
    load_grown(tmp_path, fresh)

    assert fresh.config.num_labels == fresh.num_labels == 5
    assert torch.equal(fresh.eval()(**BATCH).logits, network.eval()(**BATCH).logits)


def test_what_would_lose_a_growth_is_refused(tmp_path: Path) -> None:
    callback = GrowthTrainerCallback(rules())
    best = trainer(tmp_path, model(), callback)
    best.args.load_best_model_at_end = True

    with pytest.raises(SpecError, match="load_best_model_at_end"):
        callback.on_train_begin(best.args, best.state, best.control)
    with pytest.raises(SnapshotError, match=r"grown\.json"):
        resume(best, tmp_path)
    assert NoFreezing() == rules()[0].freeze
