"""Tasks: real data, fixed splits, seeded batches."""

from harness.data._base import AbstractTask, Output, Scale, Split, TaskData, load_task
from harness.data.anuran_calls import AnuranCalls
from harness.data.arrays import Arrays
from harness.data.banking77 import Banking77
from harness.data.batches import BatchOrder, ReplayedOrder
from harness.data.cifar100 import CIFAR100
from harness.data.clinc150 import Clinc150
from harness.data.digits import Digits
from harness.data.divide import divide
from harness.data.energy_efficiency import EnergyEfficiency
from harness.data.fashion_mnist import FashionMNIST
from harness.data.letters import Letters
from harness.data.mnist import MNIST
from harness.data.normalize import Normalize
from harness.data.own_file import sha256_of
from harness.data.parts import Parts
from harness.data.preprocessing import RawArray, RawCharacters, RawColumn, RawRows, RawTexts
from harness.data.table import Table
from harness.data.task_preprocessing import TaskPreprocessing
from harness.data.teacher_student import TeacherStudent
from harness.data.tiny_shakespeare import TinyShakespeare
from harness.data.tokenizer import Tokenizer
from harness.data.torch_dataset import split_of

__all__ = [
    "CIFAR100",
    "MNIST",
    "AbstractTask",
    "AnuranCalls",
    "Arrays",
    "Banking77",
    "BatchOrder",
    "Clinc150",
    "Digits",
    "EnergyEfficiency",
    "FashionMNIST",
    "Letters",
    "Normalize",
    "Output",
    "Parts",
    "RawArray",
    "RawCharacters",
    "RawColumn",
    "RawRows",
    "RawTexts",
    "ReplayedOrder",
    "Scale",
    "Split",
    "Table",
    "TaskData",
    "TaskPreprocessing",
    "TeacherStudent",
    "TinyShakespeare",
    "Tokenizer",
    "divide",
    "load_task",
    "sha256_of",
    "split_of",
]
