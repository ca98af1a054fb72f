import pytest

from harness.cli.sizes import bytes_in_words, parse_bytes, seconds_in_words
from harness.core.errors import InputError


@pytest.mark.parametrize(
    ("count", "words"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (12_345, "12 kB"), (5e9, "5.0 GB"), (2e16, "20000 TB")],
)
def test_sizes_in_words(count: float, words: str) -> None:
    assert bytes_in_words(count) == words


@pytest.mark.parametrize(
    ("seconds", "words"), [(0, "0.0 s"), (9.94, "9.9 s"), (59, "59 s"), (60, "1.0 min"), (5400, "1.5 h")]
)
def test_durations_in_words(seconds: float, words: str) -> None:
    assert seconds_in_words(seconds) == words


@pytest.mark.parametrize(
    ("text", "count"),
    [("0", 0), ("500M", 500_000_000), ("20 GB", 20 * 10**9), ("1e3k", 10**6), ("1.5t", 1.5e12), ("7B", 7)],
)
def test_sizes_as_people_type_them(text: str, count: float) -> None:
    assert parse_bytes(text) == count


@pytest.mark.parametrize("text", ["", "many", "-1", "1.2.3", "5X", "1e99", "nan", "M"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="expected a size like 500M or 20GB, found"):
        parse_bytes(text)
