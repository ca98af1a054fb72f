import torch

from harness.data import Digits, Output, Split, TaskData, load_task
from harness.growth import AttachHead, Change, Identities, NoFreezing, ToggleHead, WidenHead, WidenLayer
from harness.growth.units import GradMaxUnits
from harness.initializers import AbstractInitializer, Imprint, XavierUniform
from harness.losses import JointCrossEntropy, Uncertainty
from harness.models import MLP
from harness.staging.network import PROBE_SIZE, build_network, probe_for
from harness.staging.run import RunConfig
from harness.training.config import TrainingConfig
from harness.training.output_specs import output_specs
from harness.training.probe_loss import TrainedLoss

TASK = Digits(classes={"known": (0,), "late": (2, 1)})
EXAMPLES = Split(torch.zeros(3, 2), torch.tensor([0, 1, 2]))
DATA = TaskData(EXAMPLES, EXAMPLES, EXAMPLES, TASK.classes)


def change_with(name: str, init: AbstractInitializer | None = None) -> Change:
    head = AttachHead(name=name, outputs=2, tap="hidden", init=init or Imprint())
    return Change(operation=head, freeze=NoFreezing())


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


def test_a_probe_whose_values_nobody_reads_is_two_examples() -> None:
    drawn, known = (
        change_with("late", XavierUniform()),
        Change(operation=WidenHead(path="output", to=3), freeze=NoFreezing()),
    )

    assert len(probe_for(drawn, DATA).inputs) == 2
    assert len(probe_for(known, DATA).inputs) == len(EXAMPLES)


def test_operations_of_the_start_are_part_of_the_network_at_step_0() -> None:
    start = (AttachHead(name="late", outputs=2, tap="hidden.0"), ToggleHead(name="late", on=False))
    config = RunConfig(task=TASK, model=MLP(inputs=2, widths=(3,)), steps=1, start=start, device="cpu")

    first, again = build_network(config, DATA), build_network(config, DATA)
    other = build_network(config.model_copy(update={"seed": 1}), DATA)

    heads = [network.get_parameter("heads.late.output.weight") for network in (first, again, other)]
    assert first.off == {"late"}
    assert torch.equal(heads[0], heads[1])
    assert not torch.equal(heads[0], heads[2])
    assert {slot.birth for slot in Identities(first).values()} == {0}


def test_losses_with_learned_weights_have_a_parameter_each() -> None:
    losses = {"classes": JointCrossEntropy(weight=Uncertainty()), "other": JointCrossEntropy()}
    training = TrainingConfig(losses=losses)
    config = RunConfig(task=TASK, model=MLP(inputs=2, widths=(3,)), steps=1, training=training, device="cpu")

    assert list(build_network(config, DATA).log_variances) == ["classes"]


def test_a_probe_knows_the_new_columns_of_classes_that_are_revealed() -> None:
    widening = Change(operation=WidenHead(path="output", to=3), freeze=NoFreezing(), reveals=(2, 0))

    probe = probe_for(widening, DATA)

    assert probe.targets is not None
    assert probe.targets.tolist() == [1, -1, 0]


def test_a_probe_knows_the_target_of_an_output_that_classifies() -> None:
    outputs = {
        "species": Output(kind="classes", columns=2),
        "same": Output(kind="classes", columns=3, target="labels"),
        "size": Output(columns=2),
    }
    split = Split(EXAMPLES.inputs, EXAMPLES.labels, {"species": torch.tensor([1, 0, 1])})
    data = TaskData(split, split, split, TASK.classes, outputs=outputs)

    found = {name: probe_for(change_with(name), data).targets for name in outputs}

    assert found["species"] is not None
    assert found["same"] is not None
    assert (found["species"].tolist(), found["same"].tolist(), found["size"]) == ([1, 0, 1], [0, 1, 2], None)


GRADMAX = WidenLayer(path="hidden.0.linear", by=1, method=GradMaxUnits())


def test_an_operation_that_follows_the_loss_gets_the_one_that_is_trained() -> None:
    change = Change(operation=GRADMAX, freeze=NoFreezing())
    config = RunConfig(task=TASK, model=MLP(inputs=2, widths=(3,)), steps=1, device="cpu")
    model = build_network(config, DATA)
    losses = config.training.losses

    probe = probe_for(change, DATA, lambda: TrainedLoss(model, losses, output_specs(model, (), (), DATA)))

    assert len(probe.inputs) == 1  # that of the class with a column
    assert probe.loss_of(model(probe.inputs)) == 0  # of one class
    assert probe_for(change, DATA).loss_of(model(EXAMPLES.inputs)) > 0  # another one, where values do not count


def test_new_units_of_the_start_follow_the_loss_that_will_be_trained() -> None:
    data = load_task(TASK, None)
    config = RunConfig(task=TASK, model=MLP(inputs=64, widths=(3, 4)), steps=1, start=(GRADMAX,), device="cpu")

    model = build_network(config, data)

    assert model.get_parameter("backbone.hidden.1.linear.weight").shape == (4, 4)
