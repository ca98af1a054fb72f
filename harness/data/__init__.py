"""Tasks: real data, fixed splits, seeded batches."""

from harness.data._base import AbstractTask, Scale, Split, TaskData
from harness.data.batches import BatchOrder
from harness.data.digits import Digits
from harness.data.fashion_mnist import FashionMNIST

__all__ = ["AbstractTask", "BatchOrder", "Digits", "FashionMNIST", "Scale", "Split", "TaskData"]
