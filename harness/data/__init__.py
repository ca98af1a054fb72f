"""Tasks: real data, fixed splits, seeded batches."""

from harness.data._base import AbstractTask, Output, Scale, Split, TaskData, load_task
from harness.data.batches import BatchOrder, ReplayedOrder
from harness.data.digits import Digits
from harness.data.fashion_mnist import FashionMNIST
from harness.data.mnist import MNIST

__all__ = [
    "MNIST",
    "AbstractTask",
    "BatchOrder",
    "Digits",
    "FashionMNIST",
    "Output",
    "ReplayedOrder",
    "Scale",
    "Split",
    "TaskData",
    "load_task",
]
