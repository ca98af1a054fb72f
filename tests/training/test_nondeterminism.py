from collections import OrderedDict
from collections.abc import Iterator
from typing import Any, Literal

import pytest
import torch
from torch import Tensor, nn

from harness.core.errors import SpecError
from harness.core.spec import with_changes
from harness.models import AbstractModel
from harness.search.failure import failure_reason
from harness.staging.run import RunConfig
from harness.staging.runner import Runner
from harness.training.determinism import make_deterministic
from harness.training.nondeterminism import explained_nondeterminism

SAID = "{} does not have a deterministic implementation, but you set 'torch.use_deterministic_algorithms(True)'."


class Refused(torch.autograd.Function):
    """The identity, whose gradient has no deterministic kernel, as on a GPU."""

    @staticmethod
    def forward(_: Any, inputs: Tensor) -> Tensor:
        """Return the inputs."""
        return inputs.clone()

    @staticmethod
    def backward(*_: Any) -> Tensor:
        """Fail as torch does."""
        raise RuntimeError(SAID.format("adaptive_avg_pool2d_backward_cuda"))


class Pool(nn.AdaptiveAvgPool2d):
    """Pooling that cannot be differentiated."""

    def forward(self, inputs: Tensor) -> Tensor:
        """Return cells."""
        found: Tensor = Refused.apply(super().forward(inputs))  # type: ignore[no-untyped-call]
        return found


Pool.__name__ = "AdaptiveAvgPool2d"


class Unpool(nn.Module):
    """A layer that torch refuses on every device."""

    def forward(self, inputs: Tensor) -> Tensor:
        """Return pooled maps, in their old places."""
        pooled, places = nn.functional.max_pool2d(inputs, 2, return_indices=True)
        return nn.functional.max_unpool2d(pooled, places, [2, 2])


class PooledNet(AbstractModel):
    """Digits as images, through a layer that has no deterministic kernel."""

    kind: Literal["pooled_net"] = "pooled_net"
    unpool: bool = False

    def build(self, outputs: int) -> nn.Module:
        """Return the network."""
        layer = Unpool() if self.unpool else Pool(2)
        cells = 64 if self.unpool else 4
        image = nn.Sequential(nn.Unflatten(1, (1, 8, 8)), nn.Conv2d(1, 1, 1))
        hidden = nn.Sequential(nn.Flatten(), nn.Linear(cells, 8))
        layers = {"image": image, "pool": layer, "hidden": hidden, "output": nn.Linear(8, outputs)}
        return nn.Sequential(OrderedDict(layers))


@pytest.fixture(autouse=True)
def _deterministic() -> Iterator[None]:
    before = torch.get_deterministic_debug_mode()
    make_deterministic()
    yield
    torch.set_deterministic_debug_mode(before)


@pytest.mark.parametrize(
    ("unpool", "said"),
    [
        (False, r"found adaptive_avg_pool2d_backward_cuda, .* called by the module 'pool', AdaptiveAvgPool2d\("),
        (True, r"found max_unpooling2d_forward_out, .* called by the module 'pool', Unpool\(\)"),
    ],
)
def test_a_run_says_which_module_has_no_deterministic_kernel(
    digits_run: RunConfig, runner: Runner, unpool: bool, said: str
) -> None:
    run = with_changes(digits_run, {"model": PooledNet(unpool=unpool), "growths.0.operation.tap": "hidden"})

    with pytest.raises(SpecError, match=said) as failed:
        runner.run(run)

    reason = failure_reason(failed.value)
    assert reason is not None
    assert reason.startswith("raised expected kernels that give the same bits")
    assert "device='cpu'" in reason


@pytest.mark.parametrize(
    ("kernel", "layer"),
    [
        ("avg_pool3d_backward_cuda", nn.AvgPool3d(2)),
        ("upsample_bilinear2d_backward_out_cuda", nn.Upsample(scale_factor=2)),
        ("reflection_pad1d_backward_out_cuda", nn.ReflectionPad1d(1)),
        ("fractional_max_pool2d_backward_cuda", nn.FractionalMaxPool2d(2, output_size=2)),
        ("max_unpooling3d_forward_out", nn.MaxUnpool3d(2)),
        ("embedding_bag_backward_cuda_max", nn.EmbeddingBag(3, 2, mode="max")),
    ],
)
def test_a_backward_kernel_is_found_by_the_name_of_its_module(kernel: str, layer: nn.Module) -> None:
    model = nn.Sequential(nn.Linear(2, 2), layer)

    said = f"found {kernel}, .* the module '1', {type(layer).__name__}"

    with pytest.raises(SpecError, match=said), explained_nondeterminism(model):
        raise RuntimeError(SAID.format(kernel))


@pytest.mark.parametrize("kernel", ["cumsum_cuda_kernel", "median CUDA with indices output", "kthvalue CUDA"])
def test_a_kernel_of_no_module_is_named_itself(kernel: str) -> None:
    said = f"found {kernel}, .* by a function that the network or a loss calls"

    with pytest.raises(SpecError, match=said), explained_nondeterminism(nn.Linear(2, 2)):
        raise RuntimeError(SAID.format(kernel))


def test_other_errors_pass() -> None:
    with pytest.raises(RuntimeError, match=r"^out of memory$"), explained_nondeterminism(nn.Linear(2, 2)):
        raise RuntimeError("out of memory")
