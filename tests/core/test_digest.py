import hashlib
import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.digest import canonical_json, digest

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(content=JSON)
def test_canonical_json_reads_back_to_itself(content: Any) -> None:
    text = canonical_json(content)

    assert canonical_json(json.loads(text)) == text
    assert json.loads(text) == content


@given(first=JSON, second=JSON)
def test_digests_are_equal_exactly_when_the_json_is(first: Any, second: Any) -> None:
    assert (digest(first) == digest(second)) == (canonical_json(first) == canonical_json(second))


def test_a_digest_is_the_sha_256_of_text_without_spaces() -> None:
    assert digest({"b": [1, 2.5], "a": "ü"}) == hashlib.sha256('{"b":[1,2.5],"a":"ü"}'.encode()).hexdigest()


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        ([1, 2], [2, 1]),
        (1, 1.0),
        (1, True),
        ("1", 1),
        (0.1 + 0.2, 0.3),
        ({"a": None}, {}),
    ],
)
def test_what_differs_has_another_digest(first: Any, second: Any) -> None:
    assert digest(first) != digest(second)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_numbers_that_json_does_not_have_are_refused(value: float) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        digest({"a": [value]})
