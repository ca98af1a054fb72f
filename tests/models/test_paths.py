import pytest
import torch
from torch import nn

from harness.core.errors import ModulePathError
from harness.models import GrowableModel, Head
from harness.models.inserted import insert
from harness.models.paths import full_path, module_at, replace_module


def wrapped() -> GrowableModel:
    model = GrowableModel(nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2)), "known")
    model.attach("late", Head((4, 3)), "0")
    return model


def test_a_path_is_that_of_the_backbone_wrapped_or_not() -> None:
    model = wrapped()

    assert module_at(model, "1") is module_at(model.backbone, "1")
    assert full_path(model, "1") == "backbone.1"
    assert full_path(model.backbone, "1") == "1"


def test_heads_have_paths_of_their_own() -> None:
    model = wrapped()

    assert module_at(model, "heads.late.output") is model.get_submodule("heads.late.output")


def test_an_unknown_path_is_refused_with_those_there_are() -> None:
    with pytest.raises(ModulePathError, match=r"no module '2' in Sequential\..*There are: 0, 1"):
        module_at(wrapped(), "2")


def test_who_listens_at_a_path_goes_on_listening() -> None:
    model, heard = wrapped(), list[type]()
    model.get_submodule("backbone.1").register_forward_hook(lambda module, _inputs, _output: heard.append(type(module)))
    model.eval()

    replace_module(model, "1", nn.Identity())
    model(torch.ones(1, 3))

    assert heard == [nn.Identity]
    assert not module_at(model, "1").training


def test_what_a_hook_inserts_stays_with_its_module() -> None:
    model = wrapped()
    old = module_at(model, "1")
    insert(old, "extra", nn.Identity())

    replace_module(model, "1", nn.Linear(4, 2))

    assert model(torch.ones(1, 3))["known"].shape == (1, 2)
    assert len(vars(old)["_forward_hooks"]) == 1
