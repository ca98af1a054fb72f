import pytest
import torch
from pydantic import TypeAdapter, ValidationError

from harness.models.layout import Layout, layout_for, standard_layout, to_layout, to_sequence


@pytest.mark.parametrize(
    ("dims", "axes", "expected"),
    [
        (2, (0, 1), "BF"),
        (3, (0, 2), "BTF"),
        (3, (1, 2), "TBF"),
        (3, (0, 1), "BCL"),
        (4, (0, 1), "BCHW"),
        (4, (0, 3), "BHWC"),
        (5, (0, 1), "BCDHW"),
        (6, (0, 5), "BUVWXC"),
    ],
)
def test_layouts_have_their_usual_names(dims: int, axes: tuple[int, int], expected: str) -> None:
    assert layout_for(dims, *axes) == expected


def test_standard_layouts_have_examples_first() -> None:
    assert [standard_layout(dims) for dims in (2, 3, 4, 5)] == ["BF", "BTF", "BCHW", "BCDHW"]


@pytest.mark.parametrize("layout", ["BTF", "TBF", "BCL", "BCHW", "BHWC"])
def test_any_layout_becomes_a_sequence_and_back(layout: str) -> None:
    sizes = {"B": 2, "T": 3, "L": 3, "H": 3, "W": 4, "F": 5, "C": 5}
    features = torch.randn([sizes[axis] for axis in layout], generator=torch.Generator().manual_seed(0))

    sequence = to_sequence(features, layout)
    standard = to_layout(features, layout, "".join(sorted(layout)))

    assert (sequence.shape[0], sequence.shape[-1]) == (2, 5)
    assert torch.equal(to_layout(standard, "".join(sorted(layout)), layout), features)


@pytest.mark.parametrize("layout", ["", "BT", "TF", "BBF", "BCF", "btf"])
def test_what_is_no_layout_is_refused(layout: str) -> None:
    with pytest.raises(ValidationError, match="expected a layout such as 'BTF'"):
        TypeAdapter(Layout).validate_python(layout)
