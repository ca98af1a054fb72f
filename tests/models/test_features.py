from collections import OrderedDict
from typing import Any, NamedTuple

import pytest
import torch
from torch import Tensor

from harness.core.errors import ModulePathError, TapNotFoundError
from harness.models.features import check_features, first_of, in_words, with_first

OLD, NEW = torch.zeros(2, 3), torch.ones(2, 3)


class Pair(NamedTuple):
    features: Tensor
    state: Tensor | None


@pytest.mark.parametrize(
    "output",
    [OLD, (OLD, None), [OLD], Pair(OLD, None), OrderedDict(last_hidden_state=OLD, state=None)],
    ids=lambda output: type(output).__name__,
)
def test_features_are_replaced_where_they_were_found(output: Any) -> None:
    changed = with_first(output, NEW)

    assert first_of(output) is OLD
    assert first_of(changed) is NEW
    assert type(changed) is type(output)


@pytest.mark.parametrize(
    ("features", "found"),
    [
        (None, "nothing"),
        ({"a": OLD}, "dict with a"),
        (torch.zeros(3), r"\(3,\)"),
        (torch.zeros(2, 3, dtype=torch.complex64), r"complex64 \[2, 3\]"),
        (torch.zeros(2, 3, dtype=torch.int64), r"int64 \[2, 3\]"),
        (torch.nested.nested_tensor([OLD, OLD], layout=torch.jagged), "a nested tensor"),
    ],
    ids=["nothing", "dict", "vector", "complex", "integers", "nested"],
)
def test_what_are_no_features_is_refused_in_words(features: Any, found: str) -> None:
    with pytest.raises(TapNotFoundError, match=rf"at tap 'a', found {found}"):
        check_features(features, "at tap 'a'", TapNotFoundError)


def test_attention_that_got_a_nested_tensor_is_explained_and_nothing_else() -> None:
    with pytest.raises(ModulePathError, match="enable_nested_tensor=False"), in_words("here"):
        raise AssertionError("MultiheadAttention does not support NestedTensor outside of its fast path")
    with pytest.raises(RuntimeError, match="foreign"), in_words("here"):
        raise RuntimeError("foreign")
