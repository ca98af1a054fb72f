"""Published files, identified by checksum: from a local folder, else the cache, else the publisher."""

import hashlib
import tarfile
import tempfile
import zipfile
import zlib
from pathlib import Path

import pooch
import requests

from harness.core.errors import DataError
from harness.core.spec import Spec
from harness.data.own_file import sha256_of

__all__ = ["PublishedFile", "fetch"]

# The errors of reading an archive that is damaged or lacks the file.
SPOILED = (OSError, EOFError, KeyError, ValueError, tarfile.TarError, zipfile.BadZipFile, zlib.error)


class PublishedFile(Spec):
    """A file as its publisher made it.

    Attributes:
        url: of the file, or of the archive that holds it.
        sha256: of the file.
        folder: its subfolder in a local folder and in the cache.
        member: its path in the archive, a `.zip` or `.tar.gz`; None if the file itself is published.
    """

    url: str
    sha256: str
    folder: str
    member: str | None = None

    @property
    def name(self) -> str:
        """The file's own name: its path in the archive, or the last part of its address."""
        return self.member or self.published_name

    @property
    def published_name(self) -> str:
        """The name of the downloaded file or archive."""
        return self.url.rsplit("/", 1)[1]


def fetch(file: PublishedFile, folder: Path | None) -> Path:
    """Return the path of `file` on this machine, downloading it if it is not here yet.

    `folder` is searched for `<file.folder>/<name>` and `<name>`, and then for the archive that contains it. Downloads
    and the contents of archives go to the user's cache folder.

    Raises:
        DataError: the file found is not the publisher's, or none is found and the download fails.
    """
    if path := _find(folder, file.folder, file.name):
        return _checked(path, file)
    cache = Path(pooch.os_cache("harness")) / file.folder
    try:
        if file.member:
            return _unpacked(file, _find(folder, file.folder, file.published_name), cache)
        return _retrieved(file, f"sha256:{file.sha256}", cache)
    except (requests.RequestException, OSError, ValueError) as error:
        reason = "its bytes are not the publisher's" if isinstance(error, ValueError) else type(error).__name__
        raise DataError(
            f"cannot have {file.name} from {file.url} ({reason}); put the publisher's file into a folder "
            f"and name that folder in HARNESS_DATA_DIR (searched: {folder or 'no folder'}, {cache})"
        ) from None


def _find(folder: Path | None, below: str, name: str) -> Path | None:
    paths = [folder / below / name, folder / name] if folder else []
    return next((path for path in paths if path.is_file()), None)


def _checked(path: Path, file: PublishedFile) -> Path:
    if (actual := sha256_of(path)) != file.sha256:
        raise DataError(
            f"expected the publisher's {file.name} (SHA-256 {file.sha256[:12]}...) at {path}, "
            f"found another file (SHA-256 {actual[:12]}...); replace it or remove it"
        )
    return path


def _retrieved(file: PublishedFile, known_hash: str | None, cache: Path) -> Path:
    pooch.get_logger().setLevel("WARNING")  # only the command line prints
    path = pooch.retrieve(file.url, known_hash, fname=file.published_name, path=cache, progressbar=False)
    return Path(path)


def _unpacked(file: PublishedFile, archive: Path | None, cache: Path) -> Path:
    """Return the member of an archive, kept in `cache`, from `archive` or else from the publisher's."""
    path = cache / file.name
    if path.is_file() and sha256_of(path) == file.sha256:
        return path
    source = archive or _retrieved(file, None, cache)
    try:
        content = _member(source, str(file.member))
    except SPOILED:
        content = b""
    if hashlib.sha256(content).hexdigest() != file.sha256:
        if archive is None:
            source.unlink()  # else it would be kept, and be wrong again
        raise DataError(
            f"expected an archive with the publisher's {file.name} at {source}, found another or a damaged one; "
            f"{'replace it or remove it' if archive else 'it was removed: try again'}"
        )
    _write(path, content)
    return path


def _member(archive: Path, name: str) -> bytes:
    """Return the bytes of `archive`'s member `name`; no path that the archive names is written to."""
    if archive.suffix == ".zip":
        with zipfile.ZipFile(archive) as zipped:
            return zipped.read(name)
    with tarfile.open(archive) as packed:
        stream = packed.extractfile(name)
        return stream.read() if stream else b""


def _write(path: Path, content: bytes) -> None:
    """Write all or nothing: another process may be writing the same file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as stream:
        stream.write(content)
    Path(stream.name).replace(path)
