from hypothesis import given
from hypothesis import strategies as st
from mlflow.utils.validation import _validate_metric_name, _validate_param_name

from harness.tracking.content.keys import MOST_KEY_CHARACTERS, allowed_keys, metric_keys


@given(st.lists(st.text(max_size=300), unique=True, max_size=8))
def test_mlflow_accepts_every_key_and_no_two_names_share_one(names: list[str]) -> None:
    keys = allowed_keys(names)

    assert list(keys) == names
    assert len(set(keys.values())) == len(names)
    for key in keys.values():
        assert len(key) <= MOST_KEY_CHARACTERS
        _validate_metric_name(key)  # type: ignore[no-untyped-call]
        _validate_param_name(key)  # type: ignore[no-untyped-call]


def test_all_norms_of_gradients_are_in_one_group() -> None:
    names = ["train/grad_norm", "train/grad_norm/group_1", "train/trunk_norm/late", "train/trunk_cosine/known.late"]

    assert list(metric_keys(names).values()) == [
        "grad_norm/total",
        "grad_norm/group_1",
        "grad_norm/trunk/late",
        "train/trunk_cosine/known.late",
    ]
