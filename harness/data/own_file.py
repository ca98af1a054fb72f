"""Data files of one's own, found by name and checked by their SHA-256.

The digest of a task's spec is part of every stage key. A file whose bytes change under the same name must therefore
change the spec: the spec holds the file's SHA-256, which is compared whenever the file is read.
"""

import hashlib
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator

from harness.core.digest import check_sha256
from harness.core.errors import DataError

__all__ = ["Sha256", "find_own_file", "sha256_of"]

Sha256 = Annotated[str, AfterValidator(check_sha256)]


def sha256_of(path: str | Path) -> str:
    """Return the SHA-256 of the file at `path`, in hexadecimal.

    Raises:
        DataError: there is no such file, or it cannot be read.
    """
    try:
        with Path(path).open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise DataError(f"expected a data file at {path}, found none that can be read ({error.strerror})") from None


def find_own_file(path: str, sha256: str, folder: Path | None) -> Path:
    """Return the path of the file `path`: in `folder`, else below the folder in which the command runs.

    Raises:
        DataError: there is no such file, or its SHA-256 is not `sha256`.
    """
    candidates = [folder / path, Path(path)] if folder else [Path(path)]
    file = next((candidate for candidate in candidates if candidate.is_file()), None)
    if file is None:
        searched = ", ".join(str(candidate.absolute()) for candidate in candidates)
        raise DataError(f"expected the data file {path!r}, found nothing at {searched}; see HARNESS_DATA_DIR")
    if (actual := sha256_of(file)) != sha256:
        raise DataError(
            f"expected the file with SHA-256 {sha256[:12]}... at {file}, found SHA-256 {actual}; "
            f"if these are the data you mean, give that as the task's sha256"
        )
    return file
