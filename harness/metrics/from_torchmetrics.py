"""Any metric of torchmetrics."""

import importlib
from collections.abc import Mapping
from functools import cache
from typing import Any, ClassVar, Literal

from pydantic import JsonValue, model_validator
from torch import Tensor

from harness.core.errors import InputError
from harness.metrics._base import AbstractMetric
from harness.metrics.predictions import PredictedKind, Predictions

__all__ = ["FromTorchmetrics"]

MODULES = ("classification", "regression")


class FromTorchmetrics(AbstractMetric):
    """The metric that torchmetrics calls `name`, such as `MulticlassMatthewsCorrCoef`; needs the extra `metrics`.

    It gets logits `[N, C]` and classes `[N]`, logits and answers `[N, C]`, or numbers `[N, D]` twice. One that asks for
    `num_classes`, `num_labels` or `num_outputs` gets the number of columns. Outputs of a whole split are kept until it
    is computed. `direction` and `unit` are the user's to say.

    Attributes:
        name: of a class in `torchmetrics.classification` or `torchmetrics.regression`.
        arguments: for it.
    """

    reads: ClassVar[tuple[PredictedKind, ...]] = ("classes", "binary", "values")

    kind: Literal["torchmetrics"] = "torchmetrics"
    name: str
    arguments: Mapping[str, JsonValue] = {}

    @model_validator(mode="after")
    def _is_there(self) -> "FromTorchmetrics":
        _class_of(self.name)
        return self

    def value(self, predictions: Predictions) -> Tensor:
        """Return what torchmetrics computes; the mean, of one value per class."""
        made = _class_of(self.name)
        columns = predictions.outputs.shape[1]
        sizes = {name: columns for name in _sizes_of(self.name) if columns > 1 or name != "num_outputs"}
        metric = made(**{**sizes, **self.arguments}).to(predictions.outputs.device)
        truth = predictions.truth.long() if predictions.kind == "binary" else predictions.truth
        metric.update(predictions.outputs.contiguous(), truth.contiguous())
        result: Tensor = metric.compute()
        return result.double().mean()


@cache
def _class_of(name: str) -> Any:
    """Return the class. Raises `InputError` if it is not there, or torchmetrics is not."""
    try:
        modules = [importlib.import_module(f"torchmetrics.{module}") for module in MODULES]
    except ImportError:
        raise InputError(
            f"expected torchmetrics for the metric {name!r}, found that it is not installed; pip install torchmetrics"
        ) from None
    found = [getattr(module, name) for module in modules if name in getattr(module, "__all__", ())]
    if not found:
        raise ValueError(f"expected a metric of torchmetrics.classification or .regression, found {name!r}")
    return found[0]


@cache
def _sizes_of(name: str) -> tuple[str, ...]:
    """Return which arguments of the class are numbers of columns."""
    import inspect

    accepted = inspect.signature(_class_of(name).__init__).parameters
    return tuple(size for size in ("num_classes", "num_labels", "num_outputs") if size in accepted)
