from typing import Any

import pytest
import torch
from torch import Tensor, nn

from harness.core.errors import ModulePathError, SpecError, TapNotFoundError
from harness.growth.operations import AttachHead
from harness.growth.probe import Probe
from harness.initializers import Imprint, Orthogonal, PriorBias, Zeros
from harness.models import GrowableModel
from harness.models.pooling import Pool
from harness.models.taps import features_at


@pytest.mark.parametrize(("tap", "features"), [("blocks.0", 4), ("blocks.1", 6), ("hidden", 7)])
def test_a_head_reads_maps_and_vectors(
    tap: str, features: int, conv_model: GrowableModel, images: torch.Tensor
) -> None:
    AttachHead(name="late", outputs=2, tap=tap).apply(conv_model, probe=Probe(images), generator=torch.Generator())

    assert conv_model.get_parameter("heads.late.output.weight").shape == (2, features)
    assert conv_model(images)["late"].shape == (5, 2)


def test_a_silent_head_says_nothing_at_first(conv_model: GrowableModel, images: torch.Tensor) -> None:
    operation = AttachHead(name="late", outputs=2, tap="hidden", width=3, output_init=Zeros())

    operation.apply(conv_model, probe=Probe(images), generator=torch.Generator())

    assert not conv_model(images)["late"].any()
    assert conv_model.get_parameter("heads.late.layers.0.weight").any()


def test_a_hidden_layer_of_zeros_is_refused() -> None:
    with pytest.raises(SpecError, match="set output_init to zeros"):
        AttachHead(name="late", outputs=2, tap="hidden", width=3, init=Zeros())


def test_a_head_takes_the_type_of_the_network(conv_model: GrowableModel, images: torch.Tensor) -> None:
    conv_model.double()

    AttachHead(name="late", outputs=2, tap="hidden").apply(
        conv_model, probe=Probe(images.double()), generator=torch.Generator()
    )

    assert conv_model(images.double())["late"].dtype is torch.float64


def test_the_scheme_fills_every_layer(conv_model: GrowableModel, images: torch.Tensor) -> None:
    operation = AttachHead(name="late", outputs=2, tap="hidden", width=3, init=Orthogonal())

    operation.apply(conv_model, probe=Probe(images), generator=torch.Generator())

    for name in ("layers.0.weight", "output.weight"):
        weight = conv_model.get_parameter(f"heads.late.{name}")
        torch.testing.assert_close(weight @ weight.T, torch.eye(len(weight)))


@pytest.mark.parametrize("width", [0, 16])
def test_imprinted_outputs_recognize_the_examples_that_they_were_made_from(
    width: int, conv_model: GrowableModel, images: torch.Tensor
) -> None:
    targets = torch.tensor([0, 1, -1, -1, -1])
    operation = AttachHead(name="late", outputs=2, tap="hidden", width=width, output_init=Imprint(), bias=PriorBias())

    operation.apply(conv_model, probe=Probe(images, targets), generator=torch.Generator().manual_seed(0))

    features = (
        features_at(conv_model, "heads.late.layers", images)
        if width
        else features_at(conv_model.backbone, "hidden", images)
    )
    weight = conv_model.get_parameter("heads.late.output.weight")
    cosines = torch.nn.functional.cosine_similarity(features[:2, None], weight[None], dim=2)
    torch.testing.assert_close(cosines.diagonal(), torch.ones(2))


def test_values_from_examples_are_refused_without_them(conv_model: GrowableModel, images: torch.Tensor) -> None:
    operation = AttachHead(name="late", outputs=2, tap="hidden", output_init=Imprint())

    with pytest.raises(SpecError, match="targets"):
        operation.apply(conv_model, probe=Probe(images), generator=torch.Generator())

    assert "late" not in conv_model.heads


@pytest.mark.parametrize("stop_gradient", [True, False])
def test_a_head_may_leave_alone_what_it_reads(
    stop_gradient: bool, conv_model: GrowableModel, images: torch.Tensor
) -> None:
    operation = AttachHead(name="late", outputs=2, tap="hidden", width=3, stop_gradient=stop_gradient)

    operation.apply(conv_model, probe=Probe(images), generator=torch.Generator())
    conv_model(images)["late"].sum().backward()

    assert all(parameter.grad is not None for parameter in conv_model.heads.parameters())
    assert all(parameter.grad is None for parameter in conv_model.backbone.parameters()) == stop_gradient


class Padded(nn.Module):
    """Embeds tokens and encodes them, with its own names for what it takes."""

    def __init__(self, *, batch_first: bool = True) -> None:
        super().__init__()
        self.batch_first = batch_first
        self.embed = nn.Embedding(20, 8)
        self.rnn, self.fc = nn.GRU(8, 6, batch_first=batch_first), nn.Linear(6, 3)

    def forward(self, ids: Tensor, attention_mask: Tensor | None = None) -> dict[str, Tensor]:
        del attention_mask
        embedded = self.embed(ids)
        states = self.rnn(embedded if self.batch_first else embedded.transpose(0, 1))[0]
        return {"logits": self.fc(states[:, -1] if self.batch_first else states[-1])}


class Twice(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.act, self.second = nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 8)

    def forward(self, inputs: Tensor) -> Tensor:
        result: Tensor = self.act(self.second(self.act(self.first(inputs))))
        return result


IDS = torch.randint(20, (4, 7), generator=torch.Generator().manual_seed(0))
MASK = (torch.arange(7) < torch.tensor([[7], [3], [5], [1]])).long()


@pytest.mark.parametrize("pool", ["mean", "first", "last"])
@pytest.mark.parametrize("batch_first", [True, False], ids=["BTF", "TBF"])
@pytest.mark.parametrize("by_name", [True, False], ids=["by name", "whole"])
def test_padding_changes_no_answer(pool: Pool, batch_first: bool, by_name: bool) -> None:
    model = GrowableModel(Padded(batch_first=batch_first), "known")
    operation = AttachHead(name="late", outputs=2, tap="rnn", pool=pool)
    operation.apply(model, probe=Probe({"ids": IDS, "attention_mask": MASK}), generator=torch.Generator())
    other = {"ids": torch.where(MASK == 1, IDS, 0), "attention_mask": MASK}

    answers = [model(**batch) if by_name else model(batch) for batch in ({**other, "ids": IDS}, other)]
    alone = model(ids=IDS[1:2, :3])

    assert torch.allclose(answers[0]["late"], answers[1]["late"], atol=1e-6)
    assert torch.allclose(answers[0]["late"][1:2], alone["late"], atol=1e-6)
    assert list(alone) == ["logits", "late"]


def test_a_mask_may_have_any_name_or_none() -> None:
    model = GrowableModel(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), "known")
    inputs, padding = torch.randn(4, 7, 8), MASK == 0
    probe = Probe({"src": inputs, "src_key_padding_mask": padding})
    for mask in ("src_key_padding_mask", None):
        AttachHead(name=f"mask {mask}", outputs=2, tap="", init=Orthogonal(), mask=mask).apply(
            model, probe=probe, generator=torch.Generator().manual_seed(0)
        )
    model.eval()

    outputs = model(inputs, src_key_padding_mask=padding)

    real = [outputs["known"][row, : MASK[row].sum()].mean(0) for row in range(4)]
    head = model.heads["mask src_key_padding_mask"]
    torch.testing.assert_close(outputs["mask src_key_padding_mask"], head(torch.stack(real)))
    torch.testing.assert_close(outputs["mask None"], head(outputs["known"].mean(1)))


def test_a_mask_of_other_positions_is_refused_when_the_head_is_attached() -> None:
    model = GrowableModel(Padded(), "known")

    with pytest.raises(SpecError, match=r"expected a mask of the positions \[4, 7\]"):
        AttachHead(name="late", outputs=2, tap="rnn").apply(
            model, probe=Probe({"ids": IDS, "attention_mask": MASK[:, :5]}), generator=torch.Generator()
        )

    assert not model.heads


class Translating(nn.Module):
    def __init__(self, parts: dict[str, nn.Module]) -> None:
        super().__init__()
        self.model = nn.ModuleDict(parts)

    def forward(self, inputs: Tensor) -> Any:
        return self.model["decoder"](self.model["encoder"](inputs)[0])[0]


def test_the_decoder_of_an_encoder_has_a_mask_of_its_own() -> None:
    parts: dict[str, nn.Module] = {name: nn.GRU(4, 4, batch_first=True) for name in ("encoder", "decoder")}
    model = GrowableModel(Translating(parts), "known")

    for name in parts:
        AttachHead(name=f"on {name}", outputs=2, tap=f"model.{name}").apply(
            model, probe=Probe(torch.randn(3, 5, 4)), generator=torch.Generator()
        )

    masks = {name: head.mask for name, head in model.heads.items()}
    assert masks == {"on encoder": "attention_mask", "on decoder": "decoder_attention_mask"}


@pytest.mark.parametrize("call", [0, 1, -1, -2])
def test_a_head_reads_the_call_that_it_names(call: int) -> None:
    model, inputs = GrowableModel(Twice(), "known"), torch.randn(5, 4)
    AttachHead(name="late", outputs=2, tap="act", call=call).apply(
        model, probe=Probe(inputs), generator=torch.Generator()
    )

    outputs = model(inputs)

    first = model.backbone.get_submodule("first")(inputs).relu()
    assert torch.equal(outputs["late"], model.heads["late"](first if call in (0, -2) else outputs["known"]))


def test_which_of_several_calls_is_asked() -> None:
    with pytest.raises(TapNotFoundError, match="expected one call of 'act', found 2; say which with call=0 to call=1"):
        AttachHead(name="late", outputs=2, tap="act").apply(
            GrowableModel(Twice(), "known"), probe=Probe(torch.randn(5, 4)), generator=torch.Generator()
        )


def test_a_given_layout_counts_and_must_fit() -> None:
    model, inputs = GrowableModel(nn.Sequential(nn.Linear(4, 8), nn.ReLU()), "known"), torch.randn(5, 3, 4)

    with pytest.raises(SpecError, match=r"expected features BCHW at tap '1', found \[5, 3, 8\]"):
        AttachHead(name="late", outputs=2, tap="1", layout="BCHW").apply(
            model, probe=Probe(inputs), generator=torch.Generator()
        )
    AttachHead(name="late", outputs=2, tap="1", layout="TBF").apply(
        model, probe=Probe(inputs), generator=torch.Generator()
    )

    assert model(inputs)["late"].shape == (3, 2)


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16], ids=str)
def test_a_head_takes_the_type_of_its_tap(dtype: torch.dtype) -> None:
    backbone = nn.Sequential(nn.Linear(4, 8), nn.ReLU())
    backbone[0].to(dtype)
    model = GrowableModel(nn.Sequential(nn.LayerNorm(4), ToType(dtype), backbone), "known")
    inputs = torch.randn(5, 4)

    AttachHead(name="late", outputs=2, tap="2.0").apply(model, probe=Probe(inputs), generator=torch.Generator())

    assert model(inputs)["late"].dtype is dtype


class ToType(nn.Module):
    def __init__(self, dtype: torch.dtype) -> None:
        super().__init__()
        self.dtype = dtype

    def forward(self, inputs: Tensor) -> Tensor:
        return inputs.to(self.dtype)


def test_features_of_complex_numbers_are_refused() -> None:
    model = GrowableModel(nn.Sequential(ToType(torch.complex64), nn.Linear(4, 8, dtype=torch.complex64)), "known")

    with pytest.raises(TapNotFoundError, match=r"found complex64 \[5, 8\]"):
        AttachHead(name="late", outputs=2, tap="1").apply(
            model, probe=Probe(torch.randn(5, 4)), generator=torch.Generator()
        )


def test_a_lazy_layer_is_left_without_weights() -> None:
    model = GrowableModel(nn.Sequential(nn.LazyLinear(8)), "known")

    with pytest.raises(ModulePathError, match=r"expected weights at '0\.weight', found a lazy layer without"):
        AttachHead(name="late", outputs=2, tap="0").apply(
            model, probe=Probe(torch.randn(5, 4)), generator=torch.Generator()
        )


def test_examples_made_in_inference_mode_make_a_head_that_can_be_trained() -> None:
    model = GrowableModel(Twice(), "known")
    with torch.inference_mode():
        inputs = torch.randn(5, 4)
        assert not features_at(model.backbone, "first", inputs).is_inference()

    AttachHead(name="late", outputs=2, tap="first").apply(model, probe=Probe(inputs), generator=torch.Generator())
    model(inputs.clone())["late"].sum().backward()

    assert model.get_parameter("heads.late.output.weight").grad is not None
