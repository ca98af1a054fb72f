import io

import pandas as pd
import pytest

from harness.reporting.publication import readable as module
from harness.reporting.publication.readable import rows_of, unreadable


def parquet(frame: pd.DataFrame) -> bytes:
    content: bytes = frame.to_parquet(None)
    return content


def test_what_can_be_read_is() -> None:
    table = parquet(pd.DataFrame({"a": [1, 2]}))

    assert (
        unreadable({"a.parquet": table, "b.csv": b"a,b\n1,2\n", "c.json": b"{}", "d.png": b"\xff", "e.md": b""}) == []
    )
    assert (rows_of("a.parquet", table), rows_of("b.csv", b"a\n1\n2\n"), rows_of("e.md", b"")) == (2, 2, None)


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("data/runs.parquet", b"PAR1 garbage PAR1"),
        ("data/curves.parquet", b""),
        ("tables/runs.csv", b"a\n\xff\xfe\n"),
        ("tables/runs.csv", b'"' + b"x" * 200_000),
        ("study.json", b"[" * 200_000),
        ("study.json", b'{"a":' * 200_000),
        ("study.json", b"[]"),
        ("study.json", b"\xff\xfe"),
        ("study.json", b'{"a": ' + b"9" * 5000 + b"}"),
        ("manifest.json", b"null"),
    ],
)
def test_what_cannot_be_read_is_named(path: str, content: bytes) -> None:
    ((found, what),) = unreadable({path: content, "fine.md": b""})

    assert (found, what.startswith("cannot be read: ")) == (path, True)
    assert len(what) < 200


def test_equal_values_without_end_are_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_CELLS", 1000)
    stream = io.BytesIO()
    pd.DataFrame({"a": [1] * 2000}).to_parquet(stream)

    ((path, what),) = unreadable({"a.parquet": stream.getvalue()})

    assert (path, "expected at most 1,000 cells, found 2,000 rows of 1" in what) == ("a.parquet", True)
