"""MNIST: 70,000 images of handwritten digits, 28 x 28, 10 classes."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from harness.data._base import AbstractTask, Split, TaskData
from harness.data.download import PublishedFile, fetch
from harness.data.labeled_images import image_preprocessing, read_labeled_images
from harness.data.splits import stratified_split
from harness.data.task_preprocessing import TaskPreprocessing

__all__ = ["MNIST"]

# Of the training images in [0, 1], by padding; the padded ones' as published (arXiv 1810.12488).
MOMENTS = {0: (0.1307, 0.3081), 2: (0.1000, 0.2752)}

FILES = {
    "train-images": "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
    "train-labels": "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
    "t10k-images": "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
    "t10k-labels": "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
}


class MNIST(AbstractTask):
    """Inputs `[1, 28, 28]`, or `[1, 32, 32]` if padded, standardized; the target `parity` is the digit modulo 2.

    Source: LeCun, Bottou, Bengio and Haffner (1998), Gradient-based learning applied to document recognition.

    Attributes:
        padding: black pixels added on every side.
        validation: the fraction of the publisher's training images that validates.
    """

    kind: Literal["mnist"] = "mnist"
    padding: Literal[0, 2] = 0
    validation: Annotated[float, Field(gt=0, lt=1)] = 1 / 6
    split_seed: int = 0

    def load(self, folder: Path | None) -> TaskData:
        """Return the data, from `folder` or the publisher. Raises `DataError`."""
        published, test = (_read(part, folder, self.padding) for part in ("train", "t10k"))
        fractions = (1 - self.validation, self.validation)
        train, validation = stratified_split(published.labels, fractions, seed=self.split_seed)
        return TaskData(published.take(train), published.take(validation), test, self.classes)

    def preprocessing_from(self, folder: Path | None) -> TaskPreprocessing:  # noqa: ARG002  # numbers are published
        """Return how bytes of images become inputs."""
        return TaskPreprocessing(image_preprocessing(MOMENTS[self.padding], self.padding), label="digit")


def _read(part: str, folder: Path | None, padding: int) -> Split:
    files = (fetch(_file(f"{part}-images", 3), folder), fetch(_file(f"{part}-labels", 1), folder))
    inputs, labels = read_labeled_images(*files, moments=MOMENTS[padding], padding=padding)
    return Split(inputs, labels, {"parity": labels % 2})


def _file(name: str, dimensions: int) -> PublishedFile:
    return PublishedFile(
        url=f"https://ossci-datasets.s3.amazonaws.com/mnist/{name}-idx{dimensions}-ubyte.gz",
        sha256=FILES[name],
        folder="mnist",
    )
