import copy
import pickle
from collections.abc import Callable
from typing import NamedTuple

import pytest
import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from harness.core.errors import ModulePathError, SpecError
from harness.models.inserted import Inserted, features_after, insert, inserted_after, switch


class Pair(NamedTuple):
    features: Tensor
    state: str


class Doubled(nn.Module):
    """Twice what it gets."""

    def __init__(self) -> None:
        super().__init__()
        self.factor = nn.Parameter(torch.tensor(2.0))

    def forward(self, features: Tensor) -> Tensor:
        return features * self.factor


class Named(nn.Module):
    def forward(self, features: Tensor) -> Pair:
        return Pair(features, "state")


class Iterating(nn.Module):
    """Runs whatever children it has."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(2, 2)

    def forward(self, features: Tensor) -> Tensor:
        for child in self.children():
            features = child(features)
        return features


class Twice(nn.Module):
    """Uses one activation in two places."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second, self.act, self.spare = nn.Linear(2, 2), nn.Linear(2, 3), nn.ReLU(), nn.ReLU()

    def forward(self, features: Tensor) -> Tensor:
        result: Tensor = self.act(self.second(self.act(self.first(features))))
        return result


@pytest.fixture
def fc() -> nn.Linear:
    return nn.Linear(2, 2)


def test_an_output_passes_through_what_was_inserted(fc: nn.Linear) -> None:
    inputs = torch.randn(3, 2)
    before = fc(inputs)

    insert(fc, "inserted", Doubled())
    insert(fc, "more", Doubled())

    assert torch.equal(fc(inputs), 4 * before)
    assert inserted_after(fc) == ["inserted", "more"]


def test_a_sequence_goes_on_without_a_hook() -> None:
    model, inputs = nn.Sequential(nn.Linear(2, 2), nn.ReLU()), torch.randn(3, 2)
    before = model(inputs)

    insert(model, "inserted", Doubled())

    assert torch.equal(model(inputs), 2 * before)
    assert inserted_after(model) == []


def test_the_first_of_a_tuple_is_changed_and_its_type_kept() -> None:
    inputs = torch.randn(3, 4, 2)
    lstm, named = nn.LSTM(2, 2, batch_first=True), Named()
    features, state = lstm(inputs)

    insert(lstm, "inserted", Doubled())
    insert(named, "inserted", Doubled())

    after, same_state = lstm(inputs)
    assert torch.equal(after, 2 * features)
    assert torch.equal(same_state[0], state[0])
    assert torch.equal(named(inputs).features, 2 * inputs)
    assert named(inputs).state == "state"


@pytest.mark.parametrize("twin_of", [copy.deepcopy, lambda module: pickle.loads(pickle.dumps(module))])
def test_a_copy_uses_its_own_inserted_layer(fc: nn.Linear, twin_of: Callable[[nn.Linear], nn.Linear]) -> None:
    insert(fc, "inserted", Doubled())
    inputs = torch.randn(3, 2)
    before = fc(inputs)

    twin = twin_of(fc)
    with torch.no_grad():
        twin.get_parameter("inserted.factor").fill_(20.0)

    assert torch.equal(fc(inputs), before)
    torch.testing.assert_close(twin(inputs), 10 * before)


def test_what_is_off_is_not_called_and_keeps_its_values(fc: nn.Linear) -> None:
    inputs = torch.randn(3, 2)
    before = fc(inputs)
    insert(fc, "inserted", Inserted(Doubled(), residual=False, flag="extra"))
    insert(fc, "other", Inserted(Doubled(), residual=True, flag="other"))

    switch(fc, "extra", on=False)
    fc(inputs).sum().backward()

    assert torch.equal(fc(inputs), 3 * before)
    assert fc.get_parameter("inserted.layer.factor").grad is None
    switch(fc, "extra", on=True)
    assert torch.equal(fc(inputs), 6 * before)


def test_an_unknown_flag_is_named(fc: nn.Linear) -> None:
    insert(fc, "inserted", Inserted(Doubled(), residual=False, flag="extra"))

    with pytest.raises(SpecError, match=r"'extr'.*Did you mean 'extra'\?"):
        switch(fc, "extr", on=True)


def test_features_are_those_that_a_layer_would_get_and_nothing_stays() -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
    names, inputs = list(model.state_dict()), torch.randn(3, 2)
    model[0].register_forward_hook(lambda _module, _inputs, output: output + 1)

    found, _ = features_after(model, "0", "inserted", inputs)

    assert torch.equal(found, model[0](inputs))
    assert inserted_after(model[0]) == []
    assert len(model[0]._forward_hooks) == 1
    assert (list(model.state_dict()), len(model), len(list(model[0].children()))) == (names, 2, 0)


IMPOSSIBLE: list[tuple[nn.Module, str, str]] = [
    (Twice(), "act", "found 2 calls"),
    (Twice(), "spare", "found 0 calls"),
    (nn.Sequential(Iterating()), "0", "found 2 calls"),
    (nn.Sequential(nn.Flatten(0), nn.Unflatten(0, (-1, 2))), "0", r"found \(6,\)"),
]


@pytest.mark.parametrize(("model", "path", "message"), IMPOSSIBLE)
def test_a_place_where_a_layer_would_not_be_called_once_is_refused(model: nn.Module, path: str, message: str) -> None:
    names = list(model.state_dict())

    with pytest.raises(ModulePathError, match=message):
        features_after(model, path, "inserted", torch.randn(3, 2))

    assert list(model.state_dict()) == names
    assert not hasattr(model.get_submodule(path), "inserted")


def test_a_pickle_keeps_the_layer_where_torch_counts_hooks_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    model = nn.Sequential(nn.Linear(2, 2))
    monkeypatch.setattr(RemovableHandle, "next_id", 0)
    insert(model[0], "inserted", Inserted(nn.Linear(2, 2), residual=False))
    loaded = pickle.loads(pickle.dumps(model))
    expected = loaded(torch.ones(1, 2))

    monkeypatch.setattr(RemovableHandle, "next_id", 0)  # as in a new process
    for _ in range(3):
        loaded[0].register_forward_hook(lambda *_: None).remove()

    assert torch.equal(loaded(torch.ones(1, 2)), expected)
    assert inserted_after(loaded[0]) == ["inserted"]
