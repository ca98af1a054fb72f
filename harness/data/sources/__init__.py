"""Inputs that need not fit into memory: files, data sets of torch and Hugging Face, folders of images."""

from harness.data.sources._base import NO_STEP, AbstractSource
from harness.data.sources._items import AbstractItems
from harness.data.sources.arrow_file import ArrowFile
from harness.data.sources.collate import Padded
from harness.data.sources.dataset_items import DatasetItems
from harness.data.sources.hugging_face import HuggingFaceRows
from harness.data.sources.image_folder import ImageFolder
from harness.data.sources.in_memory import InMemory
from harness.data.sources.npy_file import NpyFile
from harness.data.sources.raw_file import RawFile
from harness.data.sources.safetensors_file import SafetensorsFile
from harness.data.sources.token_file import TokenFile

__all__ = [
    "NO_STEP",
    "AbstractItems",
    "AbstractSource",
    "ArrowFile",
    "DatasetItems",
    "HuggingFaceRows",
    "ImageFolder",
    "InMemory",
    "NpyFile",
    "Padded",
    "RawFile",
    "SafetensorsFile",
    "TokenFile",
]
