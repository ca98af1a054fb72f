import pytest
import torch

from harness.core.label_map import LabelMap
from harness.core.output_specs import OutputSpecs
from harness.data import Split, TaskData
from harness.models import GrowableModel
from harness.training.optimizers import SGD
from harness.training.state import TrainState, fresh_state


def examples(count: int, seed: int) -> Split:
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(count) % 5
    return Split(torch.randn(count, 1, 8, 8, generator=generator) + labels.view(-1, 1, 1, 1), labels)


@pytest.fixture
def data() -> TaskData:
    """Five classes of small images, of which two come late."""
    return TaskData(examples(60, 1), examples(30, 2), examples(30, 3), {"known": (0, 1, 2), "late": (3, 4)})


@pytest.fixture
def state(conv_model: GrowableModel) -> TrainState:
    """A state at step 0, in 32 bits."""
    return fresh_state(conv_model, SGD(lr=0.05, momentum=0.9, weight_decay=0.01), seed=0, precision="fp32")


@pytest.fixture
def specs() -> OutputSpecs:
    """What is answered before the late classes have a head."""
    return OutputSpecs(LabelMap.of({"known": (0, 1, 2)}))
