"""What a task says of its data before they were tensors."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from harness.data.preprocessing import RawInputs

__all__ = ["TaskPreprocessing"]


@dataclass(frozen=True)
class TaskPreprocessing:
    """How a task makes inputs of raw examples, and what its classes and values are called.

    Attributes:
        inputs: how they are made; None if that cannot be said.
        label: what the labels are.
        class_names: names of the classes 0, 1, ... by target; those of the labels are under `labels`.
        columns: names of a target's values, by target.
    """

    inputs: RawInputs | None = None
    label: str = "label"
    class_names: Mapping[str, Sequence[str]] = field(default_factory=dict)
    columns: Mapping[str, Sequence[str]] = field(default_factory=dict)
