"""The norm of parameters."""

from typing import Literal

import torch
from torch import Tensor

from harness.core.errors import SpecError
from harness.core.spec import did_you_mean
from harness.losses._base import AbstractLoss, Batch, cast_up

__all__ = ["ParameterNorm"]


class ParameterNorm(AbstractLoss):
    """The sum of squares of the parameters at `paths`, divided by two.

    Attributes:
        paths: parameters, such as `output.weight`, or modules with all their parameters. Heads may be added later; that
            no other path exists either is an error.
    """

    kind: Literal["parameter_norm"] = "parameter_norm"
    paths: tuple[str, ...]

    @property
    def is_penalty(self) -> bool:
        """Return True."""
        return True

    def components(self, name: str, batch: Batch) -> dict[str, Tensor]:
        """Return one component. Raises `SpecError` if there is no such parameter."""
        parameters = batch.specs.parameters
        chosen = [
            value for key, value in parameters.items() if any(f"{key}.".startswith(f"{path}.") for path in self.paths)
        ]
        if not chosen:
            if all(path.startswith("heads.") for path in self.paths):  # they may come
                return {}
            raise SpecError(f"no parameters at {', '.join(self.paths)}.{did_you_mean(self.paths[0], parameters)}")
        return {name: torch.stack([cast_up(value).square().sum() for value in chosen]).sum() / 2}
