import hashlib
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
def publisher(content: bytes) -> Iterator[tuple[str, list[str]]]:
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
            yield f"http://127.0.0.1:{server.server_port}/files/values.gz", asked
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
