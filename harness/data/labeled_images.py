"""Images and labels as the MNIST family publishes them: two files side by side."""

from pathlib import Path

from torch import Tensor
from torch.nn import functional

from harness.core.errors import DataError
from harness.data.idx import read_idx
from harness.data.preprocessing import RawArray

__all__ = ["image_preprocessing", "read_labeled_images"]

SIDE, CLASSES = 28, 10


def image_preprocessing(moments: tuple[float, float], padding: int = 0) -> RawArray:
    """Return how bytes `[28, 28]` become what `read_labeled_images` returns."""
    mean, std = moments
    side = SIDE + 2 * padding
    return RawArray((SIDE, SIDE), "uint8", (1, side, side), padding, 255.0, (mean,), (std,))


def read_labeled_images(
    images: Path, labels: Path, *, moments: tuple[float, float], padding: int = 0
) -> tuple[Tensor, Tensor]:
    """Return standardized images `[N, 1, H, W]` float32 and classes `[N]` int64.

    Args:
        images: the file of pixels, bytes `[N, 28, 28]`.
        labels: the file of classes, bytes `[N]`.
        moments: mean and standard deviation, for pixels in `[0, 1]`, that become 0 and 1.
        padding: black pixels added on every side before that.

    Raises:
        DataError: a file cannot be read, has another shape or class, or the two do not belong together.
    """
    pixels, classes = read_idx(images), read_idx(labels).long()
    if pixels.shape != (len(classes), SIDE, SIDE) or classes.dim() != 1:
        found = f"{list(pixels.shape)} and {list(classes.shape)}"
        raise DataError(
            f"expected images [N, {SIDE}, {SIDE}] in {images} and labels [N] beside them, found {found}; replace them"
        )
    if len(wrong := (classes >= CLASSES).nonzero()):
        row = int(wrong[0])
        found = f"{int(classes[row])} for image {row}"
        raise DataError(f"expected labels 0 to {CLASSES - 1} in {labels}, found {found}; replace the file")
    mean, std = moments
    # Once copied to float32, changed in place: the training images take 190 MB.
    inputs = functional.pad(pixels, (padding,) * 4).float().div_(255).sub_(mean).div_(std)
    return inputs.unsqueeze(1), classes
