"""Study files written before a name changed still open."""

from importlib import import_module

import pytest
import torch

from harness.core.label_map import LabelMap
from harness.core.output_specs import OutputSpecs
from harness.losses import Batch

EARLIER_NAMES = [
    ("harness.growth", "Nothing", "NoFreezing"),
    ("harness.growth.freezing", "Nothing", "NoFreezing"),
    ("harness.initializers", "Place", "LayerContext"),
    ("harness.training.schedules", "Constant", "ConstantRate"),
]


@pytest.mark.parametrize(("module", "earlier", "name"), EARLIER_NAMES)
def test_an_earlier_name_is_the_same_class(module: str, earlier: str, name: str) -> None:
    imported = import_module(module)

    assert getattr(imported, earlier) is getattr(imported, name)


@pytest.mark.parametrize(("module", "earlier"), [(module, earlier) for module, earlier, _ in EARLIER_NAMES[:3]])
def test_a_study_file_that_imports_everything_finds_an_earlier_name(module: str, earlier: str) -> None:
    found: dict[str, object] = {}

    exec(f"from {module} import *", found)  # as such a file does

    assert earlier in found


def test_a_loss_may_call_the_specs_of_outputs_by_their_earlier_name() -> None:
    batch = Batch({}, torch.zeros(1), torch.zeros(1), OutputSpecs(LabelMap.of({})))

    assert batch.answers is batch.specs
