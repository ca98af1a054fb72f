"""What a format is given and what it answers."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from torch import Tensor

from harness.api.exporting.raw_example import raw_example_lines
from harness.data.preprocessing import Preprocessing
from harness.models import GrowableModel
from harness.staging.ledger import RunRecord
from harness.staging.run import RunConfig

__all__ = ["AbstractFormat", "FinalNetwork", "input_lines"]


@dataclass(frozen=True)
class FinalNetwork:
    """The network at the end of a run, as its final evaluation saw it: on the CPU, in eval mode.

    Attributes:
        record: of the run.
        config: of the run.
        model: plain layers, and heads that read taps.
        inputs: of some test examples, as the network is called.
        outputs: what it answers to them, by name.
        preprocessing: from raw examples to inputs, and from outputs to predictions.
        weights: a safetensors file, whose tensors are named by their stable ids.
        lineage: the growths, as JSON.
        sketch: of the data, from which the network can be built without them.
        modules: outside of this package that define classes of the network.
    """

    record: RunRecord
    config: RunConfig
    model: GrowableModel
    inputs: Any
    outputs: Mapping[str, Tensor]
    preprocessing: Preprocessing
    weights: bytes
    lineage: list[dict[str, Any]]
    sketch: dict[str, Any]
    modules: list[str]

    @property
    def named_inputs(self) -> dict[str, Tensor]:
        """The inputs by the name of their argument; a single tensor is called `inputs`."""
        return {"inputs": self.inputs} if isinstance(self.inputs, Tensor) else dict(self.inputs)


class AbstractFormat(ABC):
    """A way to write a network so that others can use it.

    Attributes:
        needs: what must be installed where it is loaded, as for pip.
    """

    needs: ClassVar[str]

    @abstractmethod
    def write(self, network: FinalNetwork, folder: Path) -> None:
        """Write the network into `folder`, which is there and empty.

        Raises:
            InputError: it cannot be written so; the message says what can.
        """

    @abstractmethod
    def lines(self, network: FinalNetwork) -> str:
        """Return Python code that, called in the folder, loads the network and calls it: `outputs` is what it answers.

        There, `preprocessing` is loaded as well, and `inputs` is what the network is called with.
        """

    @abstractmethod
    def outputs(self, network: FinalNetwork, folder: Path) -> Mapping[str, Tensor]:
        """Return what the written network answers to `network.inputs`, by name."""


def input_lines(network: FinalNetwork, library: str = "torch") -> str:
    """Return Python code of the inputs of made-up raw examples, by the library of arrays of that name.

    If it is not known how raw examples become inputs, these are all zeros or ones.
    """
    if (raw := network.preprocessing.raw) is not None:
        return f"preprocessing.inputs({raw_example_lines(raw, library)}, {library})"
    made = {name: _example(tensor, library) for name, tensor in network.named_inputs.items()}
    if isinstance(network.inputs, Tensor):
        return made["inputs"]
    return "{" + ", ".join(f'"{name}": {text}' for name, text in made.items()) + "}"


def _example(tensor: Tensor, library: str) -> str:
    kind = str(tensor.dtype).removeprefix("torch.")
    filled = "zeros" if tensor.dtype.is_floating_point else "ones"
    return f"{library}.{filled}({(2, *tensor.shape[1:])}, dtype={library}.{kind})"
