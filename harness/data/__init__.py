"""Tasks: real data, fixed splits, seeded batches."""

from harness.data._base import AbstractTask, Output, Scale, Split, TaskData, load_task
from harness.data.batches import BatchOrder, ReplayedOrder
from harness.data.digits import Digits
from harness.data.fashion_mnist import FashionMNIST
from harness.data.letters import Letters

__all__ = [
    "AbstractTask",
    "BatchOrder",
    "Digits",
    "FashionMNIST",
    "Letters",
    "Output",
    "ReplayedOrder",
    "Scale",
    "Split",
    "TaskData",
    "load_task",
]
