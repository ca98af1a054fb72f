import pytest

from harness.core.errors import HomeError
from harness.staging.stored_json import stored_list, stored_object


def test_what_was_stored_is_read() -> None:
    assert stored_object('{"a": [1]}', "it") == {"a": [1]}
    assert stored_list("[1, 2]", "it") == [1, 2]


@pytest.mark.parametrize("cell", ["", "{", "[" * 100_000, "null", "3", None, b"{}", 1.5])
def test_what_is_damaged_is_one_line_that_says_what_it_is(cell: object) -> None:
    for read in (stored_object, stored_list):
        with pytest.raises(HomeError, match=r"expected the spec of a study in the ledger, found .*; restore") as error:
            read(cell, "the spec of a study")

        assert "\n" not in str(error.value)
