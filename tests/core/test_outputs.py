import pytest
from pydantic import ValidationError

from harness.core.outputs import Output


def test_an_output_answers_the_target_of_its_own_name_unless_another_is_given() -> None:
    assert Output().target_of("heating") == "heating"
    assert Output(target="labels").target_of("heating") == "labels"
    assert Output(kind="inputs").target_of("copy") == "inputs"


def test_it_survives_json() -> None:
    output = Output(kind="classes", columns=4, target="species")

    assert Output.model_validate(output.to_json()) == output


@pytest.mark.parametrize("content", [{"kind": "text"}, {"columns": 0}, {"size": 3}])
def test_what_no_output_can_be_is_refused(content: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Output.model_validate(content)
