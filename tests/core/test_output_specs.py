import pytest
import torch

from harness.core.errors import SpecError
from harness.core.label_map import LabelMap
from harness.core.output_specs import OutputSpecs
from harness.core.outputs import Output, Scale

INPUTS, LABELS = torch.arange(12.0).reshape(2, 2, 3), torch.tensor([1, 0])
TARGETS = {"load": torch.tensor([[0.5], [1.5]])}


def test_each_output_has_its_target() -> None:
    outputs = {"load": Output(), "copy": Output(kind="inputs"), "digit": Output(kind="classes", target="labels")}
    specs = OutputSpecs(LabelMap.of({}), outputs)

    found = {name: specs.target(name, INPUTS, LABELS, TARGETS) for name in outputs}

    assert found["load"] is TARGETS["load"]
    assert found["digit"] is LABELS
    assert torch.equal(found["copy"], INPUTS.reshape(2, 6))


def test_a_scale_belongs_to_the_target_and_is_one_if_there_is_none() -> None:
    outputs = {"heating": Output(target="load"), "cooling": Output()}
    specs = OutputSpecs(LabelMap.of({}), outputs, {"load": Scale(20.0, 5.0, "kW")})

    assert specs.scale("heating") == Scale(20.0, 5.0, "kW")
    assert specs.scale("cooling") == Scale(0.0, 1.0)


def test_the_target_of_the_only_head_are_columns_of_its_logits() -> None:
    specs = OutputSpecs(LabelMap.of({"kinds": (7, (3, 4))}), {})

    found = specs.target("kinds", INPUTS, torch.tensor([3, 7, 4]), {})

    assert found.tolist() == [1, 0, 1]


@pytest.mark.parametrize(
    ("label_map", "name", "message"),
    [
        (LabelMap.of({"known": (0, 1), "late": (2,)}), "known", "'known' beside late; use JointCrossEntropy"),
        (LabelMap.of({"known": (0, 1, 2)}, hidden=[2]), "known", "'known' beside hidden classes; use"),
        (LabelMap.of({"known": (0, 1)}), "knwon", "found 'knwon'. Did you mean 'known'. There are: known, load."),
    ],
)
def test_an_output_without_a_target_of_its_own_is_refused(label_map: LabelMap, name: str, message: str) -> None:
    specs = OutputSpecs(label_map, {"load": Output()})

    with pytest.raises(SpecError, match=message):
        specs.target(name, INPUTS, LABELS, TARGETS)
