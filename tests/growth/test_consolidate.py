import io
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm
from torch.optim import Optimizer

from harness.core.errors import ModulePathError, SurgeryError
from harness.growth import AttachHead, OldParameters, Probe, WidenHead, consolidate, grow
from harness.models import MLP, GrowableModel
from harness.models.widened import Widened

INPUTS = torch.randn(16, 4, generator=torch.Generator().manual_seed(0))


class Classifier(nn.Module):
    """A network whose layers a caller of torch would name himself."""

    def __init__(self, classes: int = 3) -> None:
        super().__init__()
        self.trunk = nn.Linear(4, 8)
        self.fc: Any = nn.Linear(8, classes)

    def forward(self, inputs: Tensor) -> Tensor:
        return self.fc(torch.relu(self.trunk(inputs)))  # type: ignore[no-any-return]


def step(model: nn.Module, optimizer: Optimizer) -> None:
    optimizer.zero_grad()
    model(INPUTS).square().mean().backward()
    optimizer.step()


def grown(steps: int = 2) -> tuple[Classifier, Optimizer]:
    torch.manual_seed(0)
    model = Classifier()
    optimizer = torch.optim.AdamW(model.named_parameters(), lr=0.01)
    for to in (5, 6):
        for _ in range(steps):
            step(model, optimizer)
        grow(model, optimizer, WidenHead(path="fc", to=to), number=to)
    for _ in range(steps):
        step(model, optimizer)
    return model, optimizer


def test_the_state_dict_fits_the_plain_network_of_that_size() -> None:
    model, optimizer = grown()
    before, first = model(INPUTS), model.fc.parts[0]

    names = consolidate(model, optimizer)
    plain = Classifier(classes=6)
    plain.load_state_dict(model.state_dict())

    assert names == ("fc",)
    assert model.fc is first
    assert model.fc.out_features == 6
    torch.testing.assert_close(plain(INPUTS), before)


def test_moments_lie_side_by_side_in_the_group_of_the_first_rows() -> None:
    model, optimizer = grown()
    parts = [dict(optimizer.state[layer.weight]) for layer in model.fc.parts]

    consolidate(model, optimizer)
    state = optimizer.state[model.fc.weight]

    corrected = [state["exp_avg"][rows] / (1 - 0.9**6) for rows in (slice(0, 3), slice(3, 5), slice(5, 6))]
    assert int(state["step"]) == 6
    for part, rows in zip(parts, corrected, strict=True):
        torch.testing.assert_close(rows, part["exp_avg"] / (1 - 0.9 ** float(part["step"])))
    assert optimizer.param_groups[0]["param_names"] == [name for name, _ in model.named_parameters()]
    assert [group["params"] for group in optimizer.param_groups[1:]] == [[], []]
    step(model, optimizer)


def test_two_optimizers_keep_what_each_holds() -> None:
    model = nn.Sequential(nn.Linear(4, 8), nn.Linear(8, 3))
    body = torch.optim.SGD(model[0].parameters(), lr=0.1, momentum=0.9)
    grow(model, torch.optim.SGD(model.parameters(), lr=0.1), WidenHead(path="1", to=5))
    head = torch.optim.SGD(model[1].parameters(), lr=0.1, momentum=0.9)
    for optimizer in (body, head):
        step(model, optimizer)

    consolidate(model, [body, head])

    assert [len(optimizer.param_groups[0]["params"]) for optimizer in (body, head)] == [2, 2]
    assert head.state[model.get_parameter("1.weight")]["momentum_buffer"].shape == (5, 8)


def test_gradients_are_carried() -> None:
    model, optimizer = grown()
    model(INPUTS).sum().backward()
    expected = torch.cat([layer.weight.grad for layer in model.fc.parts])

    consolidate(model, optimizer)

    assert torch.equal(model.fc.weight.grad, expected)


@pytest.mark.parametrize("export", [torch.export.export, torch.jit.trace, torch.jit.script])
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_what_is_consolidated_can_be_exported(export: Any) -> None:
    model, _ = grown(steps=1)
    consolidate(model)

    if export is torch.export.export:
        exported = torch.export.export(model, (INPUTS,)).module()
    else:
        made = torch.jit.script(model) if export is torch.jit.script else torch.jit.trace(model, (INPUTS,))
        file = io.BytesIO()
        torch.jit.save(made, file)
        file.seek(0)
        exported = torch.jit.load(file)

    assert torch.equal(exported(INPUTS), model(INPUTS))


@pytest.mark.campaign
@pytest.mark.filterwarnings("ignore")
def test_what_is_consolidated_is_the_same_as_an_onnx_model() -> None:
    from onnx.reference import ReferenceEvaluator  # a second to import

    model, _ = grown(steps=1)
    consolidate(model)
    program = torch.onnx.export(model, (INPUTS,), dynamo=True, verbose=False)
    assert program is not None
    evaluator = ReferenceEvaluator(program.model_proto)

    (outputs,) = evaluator.run(None, {evaluator.input_names[0]: INPUTS.numpy()})

    torch.testing.assert_close(torch.from_numpy(outputs), model(INPUTS))


def test_all_widened_layers_of_a_network_become_plain_and_heads_stay() -> None:
    model = GrowableModel(MLP(inputs=4, widths=(4,)).build(3), "known")
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    grow(model, optimizer, AttachHead(name="late", outputs=2, tap="hidden"), probe=Probe(INPUTS))
    for number, path in enumerate(("output", "heads.late.output"), start=2):
        grow(model, optimizer, WidenHead(path=path, to=6), number=number)
    before = model(INPUTS)

    names = consolidate(model, optimizer)

    assert names == ("backbone.output", "heads.late.output")
    assert not any(isinstance(module, Widened) for module in model.modules())
    for name, value in model(INPUTS).items():
        torch.testing.assert_close(value, before[name])


def test_rows_of_which_some_are_frozen_are_refused_and_nothing_changes() -> None:
    model = Classifier()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    grow(model, optimizer, WidenHead(path="fc", to=5), freeze_policy=OldParameters())
    names, held = list(model.state_dict()), [id(p) for group in optimizer.param_groups for p in group["params"]]

    with pytest.raises(SurgeryError, match="frozen"):
        consolidate(model, optimizer)

    assert list(model.state_dict()) == names
    assert [id(p) for group in optimizer.param_groups for p in group["params"]] == held
    consolidate(model)
    assert model.fc.weight.shape == (5, 8)


def test_rows_that_never_moved_are_refused_beside_rows_that_did() -> None:
    model, optimizer = grown()
    grow(model, optimizer, WidenHead(path="fc", to=7), number=7)

    with pytest.raises(SurgeryError, match="make a step first"):
        consolidate(model, optimizer)


def test_a_tied_layer_is_refused() -> None:
    model = nn.ModuleDict({"embedding": nn.Embedding(3, 4), "decoder": nn.Linear(4, 3, bias=False)})
    model["decoder"].weight = model["embedding"].weight
    grow(model, torch.optim.SGD(model.parameters(), lr=0.1), WidenHead(path="decoder", to=5))

    with pytest.raises(ModulePathError, match="embedding"):
        consolidate(model)


def test_a_parametrized_layer_becomes_plain_for_export() -> None:
    model = nn.Sequential(nn.Linear(4, 8), weight_norm(nn.Linear(8, 3)))
    grow(model, torch.optim.SGD(model.parameters(), lr=0.1), WidenHead(path="1", to=5))
    before = model(INPUTS)

    consolidate(model)

    assert type(model[1]) is nn.Linear
    torch.testing.assert_close(model(INPUTS), before)
