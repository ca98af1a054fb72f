import copy
from types import SimpleNamespace

from torch import nn

from harness.models.network_config import follow, modules_around, resized

SIZES = resized(["vocab_size"], 4, 6)


class Part(nn.Module):
    """A network of a library, which keeps its config."""

    def __init__(self, config: SimpleNamespace, **children: nn.Module) -> None:
        super().__init__()
        self.config = config
        for name, child in children.items():
            self.add_module(name, child)


def test_modules_around_several_paths_come_from_the_outside_inwards() -> None:
    inner = nn.Sequential(nn.Linear(2, 2))
    model = nn.Sequential(inner, nn.Linear(2, 2))

    assert modules_around(model, ["0.0", "1"]) == [model, inner]


def test_a_changed_copy_takes_the_place_of_a_config_wherever_the_network_holds_it() -> None:
    config = SimpleNamespace(vocab_size=4, hidden=4)
    model = Part(config, body=Part(config, embedding=nn.Embedding(4, 3)))

    follow(model, ["body.embedding"], SIZES)

    assert vars(model.config) == {"vocab_size": 6, "hidden": 4}
    assert model.config is vars(model.get_submodule("body"))["config"]
    assert config.vocab_size == 4


def test_a_config_within_another_one_stays_the_same_object() -> None:
    text = SimpleNamespace(vocab_size=4)
    model = Part(SimpleNamespace(text=text, image=8), language=Part(text, embedding=nn.Embedding(4, 3)))

    follow(model, ["language.embedding"], SIZES)

    assert model.config.text is vars(model.get_submodule("language"))["config"]
    assert model.config.text.vocab_size == 6


def test_a_module_beside_the_path_keeps_its_config() -> None:
    config, other = SimpleNamespace(vocab_size=4), SimpleNamespace(vocab_size=4)
    model = nn.ModuleDict({"a": Part(config, x=nn.Embedding(4, 3)), "b": Part(other, x=nn.Embedding(4, 3))})

    follow(model, ["a.x"], SIZES)

    assert vars(model["b"])["config"] is other
    assert other.vocab_size == 4


def test_a_module_s_own_number_follows_and_no_config_is_copied_without_need() -> None:
    config = SimpleNamespace(hidden=4)
    model = Part(config, embedding=nn.Embedding(4, 3))
    vars(model)["vocab_size"] = 4
    twin = copy.deepcopy(model)

    follow(model, ["embedding"], SIZES)

    assert vars(model)["vocab_size"] == 6
    assert model.config is config
    assert vars(twin)["vocab_size"] == 4
