import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save

from harness.staging.captured_snapshot import captured

TYPES = (torch.float64, torch.float32, torch.bfloat16, torch.float16, torch.int64, torch.uint8, torch.bool)
SHAPES = ((), (0,), (3,), (2, 3), (1, 4, 2))
TENSORS = st.builds(
    lambda dtype, shape: torch.ones(shape, dtype=dtype), st.sampled_from(TYPES), st.sampled_from(SHAPES)
)


@settings(max_examples=30)
@given(
    tensors=st.dictionaries(st.text(st.characters(codec="utf-8"), min_size=1, max_size=4), TENSORS, max_size=6),
    text=st.text(st.characters(codec="utf-8")),
)
def test_the_bytes_are_those_of_the_library(tensors: dict[str, torch.Tensor], text: str) -> None:
    assert captured(tensors, {"harness": text}) == save(tensors, metadata={"harness": text})


def test_tensors_that_lie_otherwise_in_memory_are_written_in_order() -> None:
    image = torch.arange(24.0).reshape(1, 2, 3, 4)

    found = captured({"channels last": image.to(memory_format=torch.channels_last)}, {})

    assert found == captured({"channels last": image}, {})


def test_what_happens_to_a_tensor_later_changes_no_byte() -> None:
    tensor = torch.zeros(4)
    content = captured({"w": tensor}, {})
    before = bytes(content)

    tensor += 1

    assert content == before
