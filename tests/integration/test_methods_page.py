"""Every block of the page on methods makes arms of one study; in campaigns, all of them train."""

import functools
from pathlib import Path
from typing import Any

import pytest
import torch

from harness import data, growth, initializers, losses, models
from harness.core.spec import with_changes
from harness.data import FashionMNIST, Split, TaskData, digits
from harness.growth import freezing, layers, scores, triggers, units
from harness.search.study import Study
from harness.staging.retrain import retrain
from harness.staging.run import RunConfig
from harness.training import memory
from harness.training.config import TrainingConfig
from harness.training.natural_expansion import NaturalExpansion

PAGE = Path(__file__).parents[2] / "reports" / "docs" / "pages" / "methods.md"
FAMILIES = (data, growth, initializers, losses, models, freezing, layers, memory, scores, triggers, units)
OWN = {"Any": Any, "NaturalExpansion": NaturalExpansion, "RunConfig": RunConfig, "TrainingConfig": TrainingConfig}
FEWER = {"EARLY, LATE, STEPS = 200, 400, 600": "EARLY, LATE, STEPS = 6, 12, 18", "examples=100": "examples=5"}
EVERY = {"training.evaluate_every": 5}


def made() -> tuple[RunConfig, dict[str, dict[str, Any]]]:
    """Return the base run of the page with fewer steps, and the arms that its blocks make."""
    names = {name: value for family in FAMILIES for name, value in vars(family).items()} | OWN
    text = PAGE.read_text("utf-8")
    for long, short in FEWER.items():
        assert long in text
        text = text.replace(long, short)
    for block in text.split("```python\n")[1:]:
        exec(block.partition("```")[0], names)
    return names["base"], names["arms"]


def images(self: FashionMNIST, folder: Path | None) -> TaskData:  # noqa: ARG001
    """Return noise in place of the images, which are not at hand everywhere."""
    split = Split(torch.randn(120, 1, 28, 28, generator=torch.Generator().manual_seed(0)), torch.arange(120) % 10)
    return TaskData(split, split, split, self.classes)


def test_every_method_is_an_arm_and_every_section_is_in_the_table() -> None:
    base, arms = made()

    study = Study(
        name="methods",
        title="Methods",
        question="Which method forgets least?",
        base=base,
        space={},
        arms=arms,
        comparison=("LwF", "nothing is done"),
        trials=1,
    )

    assert len(study.arms) == 29
    text = PAGE.read_text("utf-8")
    linked = [line.split("](#")[1].split(")")[0] for line in text.splitlines() if line.startswith("| [")]
    sections = [line[3:].lower().replace(" ", "-") for line in text.splitlines() if line.startswith("## ")]
    assert linked == sections[1:-1]


@pytest.mark.campaign
@pytest.mark.parametrize("share", range(3))
def test_every_arm_trains(share: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FashionMNIST, "load", images)
    monkeypatch.setattr(digits, "_rows", functools.cache(digits._rows))
    base, arms = made()

    for name in list(arms)[share::3]:
        config = with_changes(base, {**arms[name], **EVERY})
        result = retrain(config, {})
        assert result.history["train/loss/total"].steps[-1] == 18, name
