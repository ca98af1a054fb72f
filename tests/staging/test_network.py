import torch

from harness.data import Digits, Split, TaskData
from harness.growth import AttachHead, Change, Nothing
from harness.models import MLP
from harness.staging.network import PROBE_SIZE, build_network, probe_for
from harness.staging.run import RunConfig

TASK = Digits(classes={"known": (0,), "late": (2, 1)})
EXAMPLES = Split(torch.zeros(3, 2), torch.tensor([0, 1, 2]))
DATA = TaskData(EXAMPLES, EXAMPLES, EXAMPLES, TASK.classes)


def change_with(name: str) -> Change:
    return Change(operation=AttachHead(name=name, outputs=2, tap="hidden"), freeze=Nothing())


def test_the_network_answers_for_the_first_head_and_depends_on_the_seed_alone() -> None:
    config = RunConfig(task=TASK, model=MLP(inputs=2, widths=(3,)), steps=1, device="cpu")

    first, again = build_network(config, DATA), build_network(config, DATA)
    other = build_network(config.model_copy(update={"seed": 1}), DATA)

    assert {name: output.shape for name, output in first(torch.zeros(5, 2)).items()} == {"known": (5, 1)}
    for one, two in zip(first.parameters(), again.parameters(), strict=True):
        assert torch.equal(one, two)
    assert any(not torch.equal(a, b) for a, b in zip(first.parameters(), other.parameters(), strict=True))


def test_a_probe_knows_the_new_outputs_of_a_head() -> None:
    probe = probe_for(change_with("late"), DATA)

    assert probe.targets is not None
    assert probe.targets.tolist() == [-1, 1, 0]


def test_a_probe_of_another_operation_has_inputs_only() -> None:
    assert probe_for(change_with("elsewhere"), DATA).targets is None


def test_a_probe_is_small() -> None:
    many = Split(torch.zeros(PROBE_SIZE + 9, 2), torch.zeros(PROBE_SIZE + 9, dtype=torch.int64))

    probe = probe_for(change_with("late"), TaskData(many, many, many, DATA.classes))

    assert len(probe.inputs) == PROBE_SIZE
