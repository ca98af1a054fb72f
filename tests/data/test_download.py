import hashlib
import io
import tarfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pooch
import pytest

from harness.core.errors import DataError
from harness.data.download import PublishedFile, fetch

CONTENT = b"as the publisher made it"
NOWHERE = "http://127.0.0.1:9/values.gz"


def published(url: str = NOWHERE) -> PublishedFile:
    return PublishedFile(url=url, sha256=hashlib.sha256(CONTENT).hexdigest(), folder="values")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let the user's cache folder be a temporary one, and this machine be asked without a proxy."""
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "127.0.0.1")
    place = tmp_path / "cache"
    monkeypatch.setattr(pooch, "os_cache", lambda _project: place)
    return place


@contextmanager
def publisher(content: bytes, name: str = "values.gz") -> Iterator[tuple[str, list[str]]]:
    """Serve `content` on this machine; yield its address, and the paths that are asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None: ...

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/files/{name}", asked
        finally:
            server.shutdown()
            thread.join()


def test_a_file_has_the_last_part_of_its_address_for_a_name() -> None:
    assert published("http://example.org/a/b/values.gz").name == "values.gz"


@pytest.mark.parametrize("layout", ["values/values.gz", "values.gz"])
def test_the_local_folder_comes_first(tmp_path: Path, layout: str) -> None:
    place = tmp_path / "local" / layout
    place.parent.mkdir(parents=True)
    place.write_bytes(CONTENT)

    assert fetch(published(), tmp_path / "local") == place


def test_the_data_sets_own_folder_comes_before_the_plain_one(tmp_path: Path) -> None:
    (tmp_path / "local" / "values").mkdir(parents=True)
    for place in ("values/values.gz", "values.gz"):
        (tmp_path / "local" / place).write_bytes(CONTENT)

    assert fetch(published(), tmp_path / "local") == tmp_path / "local" / "values" / "values.gz"


@pytest.mark.parametrize("layout", ["values/values.gz", "values.gz"])
def test_another_file_in_the_local_folder_is_refused(tmp_path: Path, layout: str) -> None:
    place = tmp_path / "local" / layout
    place.parent.mkdir(parents=True)
    place.write_bytes(b"another file")

    with pytest.raises(DataError) as caught:
        fetch(published(), tmp_path / "local")

    message = str(caught.value)
    assert f"expected the publisher's values.gz (SHA-256 {published().sha256[:12]}...) at {place}" in message
    assert hashlib.sha256(b"another file").hexdigest()[:12] in message
    assert "\n" not in message


@pytest.mark.parametrize("local", ["local", None])
def test_a_file_that_cannot_be_had_is_one_clear_error(tmp_path: Path, cache: Path, local: str | None) -> None:
    folder = tmp_path / local if local else None

    with pytest.raises(DataError) as caught:
        fetch(published(), folder)

    message = str(caught.value)
    assert message.startswith(f"cannot have values.gz from {NOWHERE} (ConnectionError); put the publisher's file")
    assert "HARNESS_DATA_DIR" in message
    assert f"(searched: {folder or 'no folder'}, {cache / 'values'})" in message
    assert "\n" not in message


def test_a_file_in_the_cache_needs_no_publisher(cache: Path) -> None:
    (cache / "values").mkdir(parents=True)
    (cache / "values" / "values.gz").write_bytes(CONTENT)

    assert fetch(published(), None) == cache / "values" / "values.gz"


def test_a_file_is_downloaded_once(tmp_path: Path, cache: Path) -> None:
    with publisher(CONTENT) as (url, asked):
        places = [fetch(published(url), tmp_path / "local") for _ in range(2)]

    assert places == [cache / "values" / "values.gz"] * 2
    assert places[0].read_bytes() == CONTENT
    assert asked == ["/files/values.gz"]


def test_a_spoiled_file_in_the_cache_is_downloaded_again(cache: Path) -> None:
    (cache / "values").mkdir(parents=True)
    (cache / "values" / "values.gz").write_bytes(b"spoiled")

    with publisher(CONTENT) as (url, _):
        place = fetch(published(url), None)

    assert place.read_bytes() == CONTENT


def test_a_download_of_another_file_is_refused_and_not_kept(cache: Path) -> None:
    with publisher(b"another file") as (url, _), pytest.raises(DataError, match=r"cannot have values\.gz"):
        fetch(published(url), None)

    assert not (cache / "values" / "values.gz").exists()


def test_a_cache_that_cannot_be_written_is_one_clear_error(cache: Path) -> None:
    cache.write_text("a file where the folder should be")

    with pytest.raises(DataError, match=r"cannot have values\.gz"):
        fetch(published(), None)


def zipped(content: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("inside/values", content)
    return file.getvalue()


def tarred(content: bytes, kind: bytes = tarfile.REGTYPE) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as archive:
        info = tarfile.TarInfo("inside/values")
        info.type, info.size = kind, len(content)
        archive.addfile(info, io.BytesIO(content))
    return file.getvalue()


ARCHIVES = {"values.zip": zipped, "values.tar.gz": tarred}


def member_of(url: str) -> PublishedFile:
    return published(url).model_copy(update={"member": "inside/values"})


@pytest.mark.parametrize("name", ARCHIVES)
def test_a_file_in_an_archive_is_downloaded_once(cache: Path, name: str) -> None:
    with publisher(ARCHIVES[name](CONTENT), name) as (url, asked):
        places = [fetch(member_of(url), None) for _ in range(2)]

    assert places == [cache / "values" / "inside" / "values"] * 2
    assert places[0].read_bytes() == CONTENT
    assert asked == [f"/files/{name}"]


@pytest.mark.parametrize("layout", ["values/inside/values", "inside/values"])
def test_what_was_unpacked_by_hand_comes_first(tmp_path: Path, layout: str) -> None:
    place = tmp_path / "local" / layout
    place.parent.mkdir(parents=True)
    place.write_bytes(CONTENT)
    (tmp_path / "local" / "values.zip").write_bytes(b"not looked into")

    assert fetch(member_of("http://127.0.0.1:9/values.zip"), tmp_path / "local") == place


@pytest.mark.parametrize("name", ARCHIVES)
@pytest.mark.parametrize("layout", ["values/", ""])
def test_an_archive_in_the_local_folder_is_unpacked_into_the_cache(
    tmp_path: Path, cache: Path, name: str, layout: str
) -> None:
    local = tmp_path / "local" / layout
    local.mkdir(parents=True)
    (local / name).write_bytes(ARCHIVES[name](CONTENT))

    place = fetch(member_of(f"http://127.0.0.1:9/{name}"), tmp_path / "local")

    assert place == cache / "values" / "inside" / "values"
    assert place.read_bytes() == CONTENT
    assert [path.name for path in local.rglob("*") if path.is_file()] == [name]


SPOILED = {
    "other bytes": ("values.zip", zipped(b"another file")),
    "another member": ("values.zip", zipped(CONTENT).replace(b"inside/values", b"inside/salues")),
    "cut zip": ("values.zip", zipped(CONTENT)[:40]),
    "cut tar": ("values.tar.gz", tarred(bytes(range(256)) * 99)[:60]),
    "no tar": ("values.tar.gz", b"no archive"),
    "empty": ("values.tar.gz", b""),
    "a folder": ("values.tar.gz", tarred(b"", tarfile.DIRTYPE)),
}


@pytest.mark.parametrize(("name", "content"), SPOILED.values(), ids=SPOILED)
def test_a_spoiled_archive_in_the_local_folder_is_one_clear_error(
    tmp_path: Path, cache: Path, name: str, content: bytes
) -> None:
    (tmp_path / name).write_bytes(content)

    with pytest.raises(
        DataError, match=r"expected an archive with the publisher's inside/values at .*; replace it"
    ) as e:
        fetch(member_of(f"http://127.0.0.1:9/{name}"), tmp_path)

    assert "\n" not in str(e.value)
    assert (tmp_path / name).exists()
    assert not (cache / "values" / "inside" / "values").exists()


@pytest.mark.parametrize(("name", "content"), SPOILED.values(), ids=SPOILED)
def test_a_spoiled_archive_is_not_kept_but_downloaded_again(cache: Path, name: str, content: bytes) -> None:
    with publisher(content, name) as (url, _), pytest.raises(DataError, match="it was removed: try again"):
        fetch(member_of(url), None)

    assert not (cache / "values" / name).exists()


def test_an_archive_that_cannot_be_had_is_one_clear_error() -> None:
    with pytest.raises(DataError, match=r"cannot have inside/values from .*values\.zip \(ConnectionError\)"):
        fetch(member_of("http://127.0.0.1:9/values.zip"), None)


def test_a_spoiled_file_is_unpacked_again(tmp_path: Path, cache: Path) -> None:
    place = cache / "values" / "inside" / "values"
    place.parent.mkdir(parents=True)
    place.write_bytes(b"spoiled")
    (tmp_path / "values.zip").write_bytes(zipped(CONTENT))

    assert fetch(member_of("http://127.0.0.1:9/values.zip"), tmp_path).read_bytes() == CONTENT


@pytest.mark.parametrize("member", [None, "inside/values"])
def test_a_download_prints_nothing(member: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    content, printed = (zipped(CONTENT) if member else CONTENT), io.StringIO()
    for handler in pooch.get_logger().handlers:
        monkeypatch.setattr(handler, "stream", printed)

    with publisher(content, "values.zip") as (url, _):
        fetch(published(url).model_copy(update={"member": member}), None)

    assert printed.getvalue() == ""
