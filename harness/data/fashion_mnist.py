"""Fashion-MNIST: 70,000 images of clothes, 28 x 28, 10 classes."""

from pathlib import Path
from typing import Literal

import torch

from harness.core.outputs import LABELS
from harness.data._base import AbstractTask, Split, TaskData
from harness.data.download import PublishedFile, fetch
from harness.data.labeled_images import image_preprocessing, read_labeled_images
from harness.data.splits import stratified_split
from harness.data.task_preprocessing import TaskPreprocessing

__all__ = ["FashionMNIST"]

MEAN, STD = 0.2860, 0.3530

CLASSES = ("T-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot")
# What each class is worn on or as.
GROUPS = ("upper body", "legs", "dress", "shoes", "bag")
UPPER_BODY, LEGS, DRESS, SHOES, BAG = range(5)
GROUP_OF_CLASS = (UPPER_BODY, LEGS, UPPER_BODY, DRESS, UPPER_BODY, SHOES, UPPER_BODY, SHOES, BAG, SHOES)

FILES = {
    "train-images": "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
    "train-labels": "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
    "t10k-images": "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
    "t10k-labels": "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
}


class FashionMNIST(AbstractTask):
    """Inputs `[1, 28, 28]`, standardized; a sixth of the publisher's training images validates.

    Source: Xiao, Rasul and Vollgraf (2017), arXiv 1708.07747.

    The target `group` says which kind of garment a class belongs to: 0 is for the upper body (T-shirt, pullover, coat,
    shirt), 1 for the legs (trouser), 2 a dress, 3 a shoe (sandal, sneaker, ankle boot), 4 a bag.
    """

    kind: Literal["fashion_mnist"] = "fashion_mnist"
    split_seed: int = 0

    def load(self, folder: Path | None) -> TaskData:
        """Return the data, from `folder` or the publisher. Raises `DataError`."""
        published = _read("train", folder)
        train, validation = stratified_split(published.labels, (5 / 6, 1 / 6), seed=self.split_seed)
        test = _read("t10k", folder)
        return TaskData(published.take(train), published.take(validation), test, self.classes)

    def preprocessing_from(self, folder: Path | None) -> TaskPreprocessing:  # noqa: ARG002  # numbers are published
        """Return how bytes of images become inputs."""
        names = {LABELS: CLASSES, "group": GROUPS}
        return TaskPreprocessing(image_preprocessing((MEAN, STD)), label="garment", class_names=names)


def _read(part: str, folder: Path | None) -> Split:
    files = (fetch(_file(f"{part}-images", 3), folder), fetch(_file(f"{part}-labels", 1), folder))
    inputs, labels = read_labeled_images(*files, moments=(MEAN, STD))
    return Split(inputs, labels, {"group": torch.tensor(GROUP_OF_CLASS)[labels]})


def _file(name: str, dimensions: int) -> PublishedFile:
    return PublishedFile(
        url=f"http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/{name}-idx{dimensions}-ubyte.gz",
        sha256=FILES[name],
        folder="fashion-mnist",
    )
