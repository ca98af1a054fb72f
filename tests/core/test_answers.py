import numpy as np
import pytest

from harness.core.answers import Answers, ClassAnswers, ValueErrors

CLASSES = np.array([3, 0], np.int32)
CHANCES = np.array([0.25, 1], np.float16)
ANSWERS = Answers(
    {
        "all": ClassAnswers(CLASSES, CLASSES[::-1], CHANCES, CHANCES),
        "a/b": ValueErrors(np.array([0.5, np.nan], np.float32), np.array([0.25, np.nan], np.float32)),
    }
)


@pytest.mark.parametrize("groups", [None, np.array([7, 7])])
def test_answers_come_back_as_they_were(groups: np.ndarray | None) -> None:
    content = Answers(ANSWERS.outputs, groups).to_bytes()

    found = Answers.from_bytes(content)

    assert found.to_bytes() == content
    assert list(found.outputs) == ["all", "a/b"]
    for name, output in ANSWERS.outputs.items():
        assert type(found.outputs[name]) is type(output)
        for field, value in vars(output).items():
            np.testing.assert_array_equal(getattr(found.outputs[name], field), value, strict=True)
    np.testing.assert_array_equal(found.groups, groups)
