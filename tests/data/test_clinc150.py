import json
from pathlib import Path

import pytest
import torch

from harness.core.errors import DataError
from harness.data import Clinc150, Tokenizer, clinc150, sha256_of
from harness.data.clinc150 import DOMAINS, classes_of_domains

INTENTS = [intent for intents in DOMAINS.values() for intent in intents]
TASK = Clinc150(classes=classes_of_domains())


def write(folder: Path, patch: pytest.MonkeyPatch, intents: list[str]) -> None:
    """Write a file with three, one and two questions of each intent, which passes for the publisher's."""
    content = {part: [["a b", intent] for _ in range(each) for intent in intents] for part, each in PARTS.items()}
    path = folder / "data_full.json"
    path.write_text(json.dumps(content))
    patch.setattr(clinc150, "FILE", clinc150.FILE.model_copy(update={"sha256": sha256_of(path)}))


PARTS = {"train": 3, "val": 1, "test": 2}


def test_ten_domains_have_fifteen_intents_each() -> None:
    assert [len(classes) for classes in classes_of_domains().values()] == [15] * 10
    assert [label for classes in classes_of_domains().values() for label in classes] == list(range(150))
    assert len(set(INTENTS)) == 150


def test_the_parts_are_the_publishers_and_classes_follow_domains(
    tokenizer: Tokenizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, monkeypatch, INTENTS)

    data = TASK.model_copy(update={"tokenizer": tokenizer, "per_intent": 2}).load(tmp_path)

    assert [len(split) for split in (data.train, data.validation, data.test)] == [300, 150, 300]
    assert data.train.labels.bincount().tolist() == [2] * 150
    assert torch.equal(data.test.targets["domain"], data.test.labels // 15)
    assert data.validation.labels.tolist() == list(range(150))


def test_an_intent_of_no_domain_is_refused(
    tokenizer: Tokenizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, monkeypatch, ["order_pizza"])

    with pytest.raises(DataError, match=r"expected intents of a domain in .*, found 'order_pizza'"):
        TASK.model_copy(update={"tokenizer": tokenizer}).load(tmp_path)
