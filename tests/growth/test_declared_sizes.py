from types import SimpleNamespace
from typing import Any

import torch
from torch import nn

from harness.growth.declared_sizes import declared_sizes, follow_columns


class Declaring(nn.Module):
    """A network that says what it is like, as those of transformers do."""

    def __init__(self, labels: dict[int, str]) -> None:
        super().__init__()
        self.num_labels = len(labels)
        self.config: Any = SimpleNamespace(id2label=labels, label2id={n: i for i, n in labels.items()}, vocab_size=7)
        self.classifier = nn.Linear(4, len(labels))
        self.decoder = nn.Linear(4, 7)

    def get_output_embeddings(self) -> nn.Module:
        return self.decoder


def test_labels_follow_the_columns_of_the_classifier() -> None:
    model = Declaring({0: "cat", 1: "dog"})
    before = declared_sizes(model)

    follow_columns(model, {"classifier": (0, 1, 1, None)}, before)

    assert model.num_labels == 4
    assert model.config.id2label == {0: "cat", 1: "dog", 2: "LABEL_2", 3: "LABEL_3"}
    assert model.config.label2id == {"cat": 0, "dog": 1, "LABEL_2": 2, "LABEL_3": 3}
    assert model.config.vocab_size == 7


def test_a_vocabulary_follows_its_decoder() -> None:
    model = Declaring({0: "cat", 1: "dog"})

    follow_columns(model, {"decoder": (*range(7), None)}, declared_sizes(model))

    assert (model.config.vocab_size, model.num_labels) == (8, 2)


def test_a_network_that_declares_nothing_is_not_looked_through() -> None:
    model = nn.Sequential(nn.Linear(4, 3))

    assert declared_sizes(model) == {}
    follow_columns(model, {"0": (0, 1, 2, None)}, {})
    assert model(torch.ones(2, 4)).shape == (2, 3)
