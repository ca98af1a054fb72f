"""Synthetic data: a random network labels random inputs."""

from pathlib import Path
from typing import Annotated, Literal

import torch
from pydantic import Field, NonNegativeFloat, PositiveInt
from torch import Tensor

from harness.core.seeding import generator
from harness.data._base import AbstractTask, Split, TaskData
from harness.data.preprocessing import RawArray
from harness.data.task_preprocessing import TaskPreprocessing

__all__ = ["TeacherStudent"]


class TeacherStudent(AbstractTask):
    """Gaussian inputs `[D]`, and the outputs of a random multilayer perceptron, the teacher (arXiv 1906.08632).

    Each output of the teacher has mean 0 and variance 1 over the training examples. Outputs, with noise, are the target
    `values` `[N, C]`; the index of the largest one is the label. The same data can be used for classification and for
    regression, and the width of a network that can learn them is known.

    Attributes:
        inputs: D, numbers in an input.
        widths: of the teacher's hidden layers, with tanh after each.
        columns: C, the teacher's outputs.
        examples: that train, validate and test.
        noise: standard deviation of the noise that is added to the outputs.
        data_seed: of the teacher and its inputs; the same in all runs of a study.
    """

    kind: Literal["teacher_student"] = "teacher_student"
    inputs: PositiveInt = 16
    widths: Annotated[tuple[PositiveInt, ...], Field(min_length=1)] = (32,)
    columns: PositiveInt = 10
    examples: tuple[PositiveInt, PositiveInt, PositiveInt] = (1000, 500, 500)
    noise: NonNegativeFloat = 0.0
    data_seed: int = 0

    def load(self, folder: Path | None) -> TaskData:  # noqa: ARG002  # no file is read
        """Return the data, generated from `data_seed`."""
        train_size, *_ = self.examples
        inputs = self._draw("inputs", sum(self.examples), self.inputs)
        outputs = self._teach(inputs)
        training = outputs[:train_size]
        outputs = (outputs - training.mean(0)) / training.std(0, correction=0).clamp_min(1e-12)
        outputs = outputs + self.noise * self._draw("noise", *outputs.shape)
        everything = Split(inputs.float(), outputs.argmax(1), {"values": outputs.float()})
        train, validation, test = map(everything.take, torch.arange(len(inputs)).split(list(self.examples)))
        return TaskData(train, validation, test, self.classes)

    def preprocessing_from(self, folder: Path | None) -> TaskPreprocessing:  # noqa: ARG002  # no file is read
        """Return that numbers are read as they are."""
        return TaskPreprocessing(RawArray((self.inputs,), "float32", (self.inputs,)))

    def _teach(self, inputs: Tensor) -> Tensor:
        """Return the teacher's outputs `[N, C]` for `inputs` `[N, D]`."""
        hidden, sizes = inputs, (self.inputs, *self.widths)
        for layer, (ins, outs) in enumerate(zip(sizes, self.widths, strict=False)):
            weight, bias = self._draw(f"weight {layer}", outs, ins), self._draw(f"bias {layer}", outs)
            hidden = (hidden @ weight.T * (2 / ins**0.5) + bias / 2).tanh()
        return hidden @ self._draw("output", self.columns, sizes[-1]).T

    def _draw(self, purpose: str, *shape: int) -> Tensor:
        """Return Gaussian float64 numbers from a stream of their own."""
        stream = generator(self.data_seed, "teacher", purpose)
        return torch.randn(shape, generator=stream, dtype=torch.float64)
