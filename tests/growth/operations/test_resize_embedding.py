import pytest
import torch
from torch import Tensor, nn

from harness.core.errors import InputError, ModulePathError, SpecError
from harness.growth import grow
from harness.growth.operations import ResizeEmbedding, WidenHead
from harness.growth.record import Growth
from harness.initializers import Constant
from harness.models import GrowableModel

TOKENS = torch.tensor([[0, 1], [2, 3]])


class LanguageModel(nn.Module):
    """Tokens `[B, T]` to logits `[B, T, V]`; the output layer has the embedding's weight, or its own."""

    def __init__(self, *, tied: bool, bias: bool = True, outer: bool = False) -> None:
        super().__init__()
        self.vocab_size = 4
        self.embedding = nn.Embedding(4, 3, padding_idx=0)
        self.output = nn.Linear(3, 4, bias=bias)
        if tied:
            self.output.weight = self.embedding.weight
        if outer:
            self.register_buffer("final_logits_bias", torch.ones(1, 4))

    def forward(self, tokens: Tensor) -> Tensor:
        logits: Tensor = self.output(self.embedding(tokens))
        return logits + getattr(self, "final_logits_bias", 0)


def apply(model: nn.Module, operation: ResizeEmbedding) -> Growth:
    return operation.apply(model, probe=None, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("outer", [True, False])
def test_a_tied_output_layer_gets_a_column_for_each_new_token(bias: bool, outer: bool) -> None:
    model = LanguageModel(tied=True, bias=bias, outer=outer)
    before, embedding = model(TOKENS), model.embedding

    growth = apply(model, ResizeEmbedding(path="embedding", to=6))

    torch.testing.assert_close(model(TOKENS)[..., :4], before)
    assert model(torch.tensor([[5]])).shape == (1, 1, 6)
    assert model.embedding is embedding
    assert model.output.weight is embedding.weight
    assert (embedding.num_embeddings, embedding.padding_idx, model.output.out_features, model.vocab_size) == (
        6,
        0,
        6,
        6,
    )
    assert growth.columns == {"output": (0, 1, 2, 3, None, None)}


def test_an_output_layer_of_its_own_follows_if_it_is_named() -> None:
    model = LanguageModel(tied=False)
    before = model(TOKENS)

    growth = apply(model, ResizeEmbedding(path="embedding", to=6, output="output"))

    torch.testing.assert_close(model(TOKENS)[..., :4], before)
    assert model(torch.tensor([[5]])).shape == (1, 1, 6)
    assert len(growth.carried) == 3


def test_an_embedding_alone_grows_alone() -> None:
    model = LanguageModel(tied=False)
    before = model(TOKENS)

    growth = apply(model, ResizeEmbedding(path="embedding", to=6))

    assert torch.equal(model(TOKENS), before)
    assert model(torch.tensor([[5]])).shape == (1, 1, 4)
    assert growth.columns == {}


def test_new_rows_are_the_mean_of_old_ones_or_what_an_initializer_says() -> None:
    mean, constant = LanguageModel(tied=True), LanguageModel(tied=True)
    old = mean.embedding.weight.detach().clone()

    apply(mean, ResizeEmbedding(path="embedding", to=6))
    apply(constant, ResizeEmbedding(path="embedding", to=6, new_rows=Constant(value=2), new_bias=Constant(value=3)))

    torch.testing.assert_close(mean.embedding.weight[4:], old.mean(dim=0).expand(2, 3), rtol=0, atol=1e-3)
    assert constant.embedding.weight[4:].tolist() == [[2.0] * 3] * 2
    assert constant.output.bias[4:].tolist() == [3.0] * 2


def test_moments_of_old_rows_stay_and_new_rows_are_trained() -> None:
    model = GrowableModel(LanguageModel(tied=True), "known")
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.1)
    model(TOKENS)["known"].square().sum().backward()
    optimizer.step()
    weight = model.get_parameter("backbone.embedding.weight")
    moments = optimizer.state[weight]["exp_avg"].clone()

    grow(model, optimizer, ResizeEmbedding(path="embedding", to=6))
    weight = model.get_parameter("backbone.embedding.weight")
    carried, old = optimizer.state[weight]["exp_avg"].clone(), weight.detach().clone()
    model(TOKENS)["known"].square().sum().backward()
    optimizer.step()

    assert torch.equal(carried, torch.cat([moments, torch.zeros(2, 3)]))
    assert not torch.equal(weight[4:], old[4:])


def test_a_bag_of_embeddings_grows_as_well() -> None:
    model = nn.Sequential(nn.EmbeddingBag(4, 3), nn.Linear(3, 2))
    before = model(TOKENS)

    apply(model, ResizeEmbedding(path="0", to=5))

    assert torch.equal(model(TOKENS), before)
    assert model(torch.tensor([[4, 4]])).shape == (1, 2)


@pytest.mark.parametrize(
    ("operation", "error", "message"),
    [
        (ResizeEmbedding(path="embedding", to=4), SpecError, "to=4 to exceed the rows of 'embedding', found 4"),
        (ResizeEmbedding(path="output", to=6), ModulePathError, "found Linear; .*There are: embedding"),
        (ResizeEmbedding(path="embedding", to=6, output="embedding"), ModulePathError, "of 4 rows at 'embedding'"),
    ],
)
def test_what_cannot_grow_is_refused(operation: ResizeEmbedding, error: type[InputError], message: str) -> None:
    model = LanguageModel(tied=True)
    held = list(model.parameters())

    with pytest.raises(error, match=message):
        apply(model, operation)

    assert all(a is b for a, b in zip(held, model.parameters(), strict=True))


def test_a_weight_that_is_computed_is_refused() -> None:
    model = LanguageModel(tied=False)
    nn.utils.parametrizations.orthogonal(model.embedding)

    with pytest.raises(ModulePathError, match="remove its parametrization first"):
        apply(model, ResizeEmbedding(path="embedding", to=6))


def test_rows_of_an_output_layer_that_has_later_ones_are_refused() -> None:
    model = LanguageModel(tied=True)
    WidenHead(path="output", to=5).apply(model, probe=None, generator=torch.Generator())

    with pytest.raises(ModulePathError, match="found others after those of"):
        apply(model, ResizeEmbedding(path="embedding", to=6))
