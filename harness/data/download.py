"""Publisher's files by checksum: from a local folder, else from the cache, else from the publisher."""

from pathlib import Path

import pooch
import requests

from harness.core.errors import DataError
from harness.core.spec import Spec
from harness.data.own_file import sha256_of

__all__ = ["PublishedFile", "fetch"]


class PublishedFile(Spec):
    """A file as its publisher made it."""

    url: str
    sha256: str
    folder: str

    @property
    def name(self) -> str:
        """The file's own name, the last part of its address."""
        return self.url.rsplit("/", 1)[1]


def fetch(file: PublishedFile, folder: Path | None) -> Path:
    """Return where `file` lies on this machine, downloading it if it lies nowhere yet.

    `folder` is searched for `<file.folder>/<name>` and `<name>`. Downloads go to the user's cache folder.

    Raises:
        DataError: the file found is not the publisher's, or none is found and the download fails.
    """
    for place in [folder / file.folder / file.name, folder / file.name] if folder else []:
        if place.is_file():
            return _checked(place, file)
    cache = Path(pooch.os_cache("harness")) / file.folder
    try:
        pooch.retrieve(file.url, f"sha256:{file.sha256}", fname=file.name, path=cache, progressbar=False)
    except (requests.RequestException, OSError, ValueError) as error:
        reason = "its bytes are not the publisher's" if isinstance(error, ValueError) else type(error).__name__
        raise DataError(
            f"cannot have {file.name} from {file.url} ({reason}); put the publisher's file into a folder "
            f"and name that folder in HARNESS_DATA_DIR (searched: {folder or 'no folder'}, {cache})"
        ) from None
    return cache / file.name


def _checked(place: Path, file: PublishedFile) -> Path:
    if (found := sha256_of(place)) != file.sha256:
        raise DataError(
            f"expected the publisher's {file.name} (SHA-256 {file.sha256[:12]}...) at {place}, "
            f"found another file (SHA-256 {found[:12]}...); replace it or remove it"
        )
    return place
