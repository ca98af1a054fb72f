"""A second network beside the first."""

from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import nn

from harness.core.errors import ModulePathError, SpecError
from harness.core.seeding import seed_global_stream
from harness.growth.joined import joined
from harness.growth.operations._base import AbstractOperation
from harness.growth.probe import Probe
from harness.growth.record import Carried, Growth, Moments, Promise
from harness.growth.rollback import all_or_nothing
from harness.models.branches import BRANCHES, Branch, Joining, branches_of, root_of, twin_of
from harness.models.paths import full_path, module_at

__all__ = ["AddBranch"]


class AddBranch(AbstractOperation):
    """Put a copy of the network beside it, whose features join the inputs of the layers `readers`.

    Dynamically expandable representations (DER, arXiv 2103.16788). The first reader is a linear layer of the network,
    such as its output layer; the copy ends before it, and what it would read are the branch's features. Others are
    linear layers that read as many positions, such as those of heads. Their new columns begin at zero, so outputs are
    the same but for rounding. The branch gets what the network is called with. Its path is `branches.<name>`: a head at
    that tap is DER's auxiliary head, and `JoinTap` gives the branch lateral connections.

    Attributes:
        values: of the branch: those of the network, as in the paper's code, or drawn by the modules'
            `reset_parameters`.
        moments: of the new columns, see `Carried`.
    """

    kind: Literal["add_branch"] = "add_branch"
    name: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
    readers: Annotated[tuple[str, ...], Field(min_length=1)]
    values: Literal["copied", "drawn"] = "copied"
    moments: Moments = "zero"

    def promise(self) -> Promise:
        """Return that outputs are the same but for rounding."""
        return Promise.CLOSE

    def apply(self, model: nn.Module, *, probe: Probe | None, generator: torch.Generator) -> Growth:
        """Add it. Raises `ModulePathError` for an impossible reader, `SpecError` for a name that is taken."""
        if probe is None:
            raise SpecError("expected inputs to find the size of features, found none; give probe=Probe(inputs)")
        before = list(model.parameters())
        with all_or_nothing(model):
            carried = self._add(model, probe, generator)
        return Growth.between(before, model, carried=carried)

    def _add(self, model: nn.Module, probe: Probe, generator: torch.Generator) -> tuple[Carried, ...]:
        root = root_of(model)
        paths = [full_path(model, path) for path in self.readers if module_at(model, path)]
        prefix = "backbone." if root is not model else ""
        own = [path.removeprefix(prefix) for path in paths if path.startswith(prefix)]
        if not paths[0].startswith(prefix):
            raise ModulePathError(f"expected a layer of the network as the first reader, found {self.readers[0]!r}")
        network = twin_of(root, own, purpose="put one beside it")
        for parameter in network.parameters():
            parameter.requires_grad_(parameter.is_floating_point())
        if self.values == "drawn":
            _draw(network, int(torch.randint(2**62, (), generator=generator)))
        branches = branches_of(root)
        if hasattr(branches, self.name):
            raise SpecError(f"expected a new name for the branch, found {self.name!r}, which exists; choose another")
        branches.add_module(self.name, Branch(network, own[0]).train(root.training))
        source = f"{BRANCHES}.{self.name}"
        joins = [(path, Joining(branches, source, "mean")) for path in self.readers]
        return tuple(item for path, joining in joins for item in joined(model, path, joining, probe, self.moments))


def _draw(network: nn.Module, seed: int) -> None:
    """Let all modules draw their values anew, on the CPU, so that they do not depend on the device.

    Raises:
        ModulePathError: one cannot.
    """
    for path, module in network.named_modules():
        if any(True for _ in module.parameters(recurse=False)) and not hasattr(module, "reset_parameters"):
            raise ModulePathError(
                f"expected modules with reset_parameters to draw their values, found {path!r} "
                f"({type(module).__name__}) without; use values='copied'"
            )
    device = next((parameter.device for parameter in network.parameters()), torch.device("cpu"))
    network.cpu()
    with torch.random.fork_rng(devices=[]):
        seed_global_stream(seed, torch.device("cpu"))
        for module in network.modules():
            if callable(reset := getattr(module, "reset_parameters", None)):
                reset()
    network.to(device)
