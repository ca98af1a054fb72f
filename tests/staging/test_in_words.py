import pytest

from harness.core.errors import DataError, SpecError
from harness.staging.in_words import in_words, of_field


@pytest.mark.parametrize("error", [KeyError("loss"), SystemExit("loss")])
def test_what_a_part_raises_is_said_with_its_place(error: BaseException) -> None:
    place = r"\(tests/staging/test_in_words\.py, line 12\)"

    with pytest.raises(SpecError, match=rf"^a part fails with \w+: '?loss'? {place}$"), in_words("a part"):
        raise error


def test_errors_of_this_project_say_enough_but_for_the_field() -> None:
    with pytest.raises(DataError, match=r"^no images$"), in_words("a part"):
        raise DataError("no images")
    with (
        pytest.raises(SpecError, match=r"^training\.augment\.0: no images \("),
        of_field("training.augment.0", "shift"),
    ):
        raise DataError("no images")


def test_ctrl_c_goes_on() -> None:
    with pytest.raises(KeyboardInterrupt), of_field("model", "it"):
        raise KeyboardInterrupt
