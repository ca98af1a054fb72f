"""What runs on each kind of device: a CPU always, a GPU where there is one."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
import torch

from harness.data import Digits, Split, TaskData
from harness.models import ConvNet
from harness.staging.run import RunConfig
from harness.training.determinism import make_deterministic


@pytest.fixture(params=["cpu", pytest.param("cuda", marks=pytest.mark.gpu)])
def device(request: pytest.FixtureRequest) -> torch.device:
    """A device."""
    return cuda() if request.param == "cuda" else torch.device("cpu")


@pytest.fixture
def gpu() -> torch.device:
    """A GPU."""
    return cuda()


def cuda() -> torch.device:
    """Return the GPU that there is."""
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    return torch.device("cuda", 0)  # with its number, as tensors say it


@pytest.fixture(autouse=True)
def _deterministic() -> Iterator[None]:
    """Let only deterministic kernels run, as in all runs."""
    before = torch.get_deterministic_debug_mode()
    make_deterministic()
    yield
    torch.set_deterministic_debug_mode(before)


@pytest.fixture(scope="session")
def images_on_cpu() -> TaskData:
    """Digits as images `[1, 8, 8]`, of which four come late."""
    data = Digits(classes={"known": (0, 1, 2, 3, 4, 5), "late": (6, 7, 8, 9)}).load(None)

    def images(split: Split) -> Split:
        return replace(split, inputs=split.inputs.reshape(-1, 1, 8, 8))

    return replace(data, train=images(data.train), validation=images(data.validation), test=images(data.test))


@pytest.fixture
def data(images_on_cpu: TaskData, device: torch.device) -> TaskData:
    """The digits on the device."""
    return images_on_cpu.to(device)


@pytest.fixture
def conv_run(digits_run: RunConfig, device: torch.device) -> RunConfig:
    """A run with convolutions, batch norm and dropout that grows a head in the middle."""
    model = ConvNet(image=(1, 8, 8), channels=(4, 6), hidden=8, dropout=0.3)
    growth = digits_run.growths[0]
    operation = growth.operation.model_copy(update={"tap": "hidden"})
    return digits_run.model_copy(
        update={"model": model, "growths": (growth.model_copy(update={"operation": operation}),), "device": device.type}
    )
