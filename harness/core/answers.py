"""How a network answered every example of a test set, which an evaluation keeps beside its metrics."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["JOINT", "NOT_ASKED", "Answers", "ClassAnswers", "ValueErrors"]

JOINT = "all"  # the joined heads that classify labels; their metric is `accuracy/all`
NOT_ASKED = -1
GROUPS = "groups"

Floats = NDArray[np.floating]
Classes = NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class ClassAnswers:
    """The answers of an output that classifies: `[N]`, or `[N, D]` of one that says yes or no in each of D columns.

    Attributes:
        truth: the class.
        answer: the class that was answered; of classes that share a column, the true one or else the first.
            `NOT_ASKED` for other outputs than heads while the example's class cannot be seen.
        probability: float16, of the truth; 0 for a class that cannot be seen yet.
        confidence: float16, the probability of the answer.
    """

    truth: Classes
    answer: Classes
    probability: Floats
    confidence: Floats


@dataclass(frozen=True, eq=False)
class ValueErrors:
    """The errors of an output that predicts numbers, `[N]` float32 means over its columns, in the target's unit.

    NaN while the example's class cannot be seen.
    """

    absolute: Floats
    squared: Floats


KINDS: tuple[type[ClassAnswers | ValueErrors], ...] = (ClassAnswers, ValueErrors)


@dataclass(frozen=True, eq=False)
class Answers:
    """The answers of all outputs.

    Attributes:
        outputs: by name; those of heads that classify labels jointly are `JOINT`.
        groups: `[N]` int64, the group of each example; None if every example is one.
    """

    outputs: Mapping[str, ClassAnswers | ValueErrors]
    groups: NDArray[np.int64] | None = None

    @classmethod
    def joined(cls, blocks: Sequence["Answers"], groups: NDArray[np.int64] | None = None) -> "Answers":
        """Return the answers to a whole test set, given those to its blocks in order."""
        outputs = {name: _joined([block.outputs[name] for block in blocks]) for name in blocks[0].outputs}
        return cls(outputs, groups)

    def to_bytes(self) -> bytes:
        """Return the compressed form, an `.npz` with an array `<output>/<field>` for each field."""
        arrays: dict[str, Any] = {} if self.groups is None else {GROUPS: self.groups}
        for name, output in self.outputs.items():
            arrays |= {f"{name}/{key}": value for key, value in vars(output).items()}
        content = io.BytesIO()
        np.savez_compressed(content, **arrays)
        return content.getvalue()

    @classmethod
    def from_bytes(cls, content: bytes) -> "Answers":
        """Read what `to_bytes` wrote. Raises `ValueError` for other arrays."""
        with np.load(io.BytesIO(content), allow_pickle=False) as file:
            arrays = dict(file)
        groups = arrays.pop(GROUPS, None)
        by_output: dict[str, dict[str, NDArray[np.generic]]] = {}
        for key, value in arrays.items():
            name, _, field = key.rpartition("/")
            by_output.setdefault(name, {})[field] = value
        return cls({name: _output(found) for name, found in by_output.items()}, groups)


def _joined(parts: Sequence[ClassAnswers | ValueErrors]) -> ClassAnswers | ValueErrors:
    arrays = {name: np.concatenate([getattr(part, name) for part in parts]) for name in vars(parts[0])}
    kind: type[Any] = type(parts[0])
    joined: ClassAnswers | ValueErrors = kind(**arrays)
    return joined


def _output(found: Mapping[str, NDArray[np.generic]]) -> ClassAnswers | ValueErrors:
    kinds = [kind for kind in KINDS if found.keys() == {field.name for field in fields(kind)}]
    if not kinds:
        raise ValueError(f"expected the arrays of answers, found {', '.join(sorted(found))}")
    kind: type[Any] = kinds[0]
    answers: ClassAnswers | ValueErrors = kind(**found)
    return answers
