"""Networks of the transformers library by ways to widen them, as people would write it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from torch import Tensor, nn

from harness.core.errors import InputError, SpecError
from harness.growth import Probe, WidenLayer, grow
from harness.growth.units import CopiedUnits, GradMaxUnits, PairedUnits, RandomUnits

IDS = torch.randint(0, 40, (3, 7), generator=torch.Generator().manual_seed(1))
IMAGES = torch.randn(3, 3, 8, 8, generator=torch.Generator().manual_seed(2))
MASK = torch.ones_like(IDS).index_fill(1, torch.tensor([5, 6]), 0)
TOKENS = {"vocab_size": 40, "num_hidden_layers": 2, "num_attention_heads": 2, "hidden_size": 16}
LLAMA = {**TOKENS, "num_attention_heads": 4, "num_key_value_heads": 2, "intermediate_size": 24}
T5 = {"vocab_size": 40, "d_model": 16, "d_kv": 4, "d_ff": 24, "num_layers": 2, "num_heads": 2}
FORMS: dict[str, tuple[str, dict[str, Any], Mapping[str, Tensor]]] = {
    "BertForSequenceClassification": (
        "BertConfig",
        {**TOKENS, "intermediate_size": 24, "max_position_embeddings": 16},
        {"input_ids": IDS, "attention_mask": MASK},
    ),
    "GPT2LMHeadModel": (
        "GPT2Config",
        {"vocab_size": 40, "n_embd": 16, "n_layer": 2, "n_head": 2, "n_positions": 16, "bos_token_id": 0}
        | {"eos_token_id": 0},
        {"input_ids": IDS},
    ),
    "LlamaForCausalLM": ("LlamaConfig", LLAMA, {"input_ids": IDS}),
    "Qwen3ForCausalLM": ("Qwen3Config", {**LLAMA, "head_dim": 4}, {"input_ids": IDS}),
    "Phi3ForCausalLM": ("Phi3Config", {**LLAMA, "pad_token_id": 0, "eos_token_id": 1}, {"input_ids": IDS}),
    "ViTForImageClassification": (
        "ViTConfig",
        {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 24}
        | {"image_size": 8, "patch_size": 4},
        {"pixel_values": IMAGES},
    ),
    "T5ForConditionalGeneration": (
        "T5Config",
        {**T5, "decoder_start_token_id": 0},
        {"input_ids": IDS, "decoder_input_ids": IDS[:, :4]},
    ),
    "gated T5ForConditionalGeneration": (
        "T5Config",
        {**T5, "decoder_start_token_id": 0, "feed_forward_proj": "gated-gelu"},
        {"input_ids": IDS, "decoder_input_ids": IDS[:, :4]},
    ),
}


@dataclass(frozen=True)
class Case:
    """What is widened of which network, and how many parameters get another shape; 0 if it is refused."""

    form: str
    operation: str
    fields: dict[str, Any]
    carried: int
    refused: str = ""

    def __repr__(self) -> str:
        return f"{self.form}, {self.operation}"


BERT, T5_ENCODER = "bert.encoder.layer.0", "encoder.block.0.layer"
CASES = [
    Case("BertForSequenceClassification", "feed-forward", {"path": f"{BERT}.intermediate.dense"}, 3),
    Case(
        "BertForSequenceClassification",
        "feed-forward, readers named",
        {"path": f"{BERT}.intermediate.dense", "readers": (f"{BERT}.output.dense",)},
        3,
    ),
    Case(
        "BertForSequenceClassification",
        "feed-forward, others named",
        {"path": f"{BERT}.intermediate.dense", "readers": ("bert.encoder.layer.1.output.dense",)},
        0,
        "found that 'bert.encoder.layer.0.output.dense' do, too",
    ),
    Case("BertForSequenceClassification", "heads", {"path": f"{BERT}.attention"}, 7),
    Case(
        "BertForSequenceClassification",
        "stream, doubled",
        {"path": "bert.embeddings.word_embeddings", "together": "all", "by": 16},
        30,
    ),
    Case(
        "BertForSequenceClassification",
        "heads by the layers that make them",
        {
            "path": f"{BERT}.attention.self.query",
            "together": (f"{BERT}.attention.self.key", f"{BERT}.attention.self.value"),
            "rows": 8,
        },
        7,
    ),
    Case(
        "BertForSequenceClassification",
        "heads, of some size",
        {"path": f"{BERT}.attention", "rows": 4},
        0,
        "found rows or others that are named",
    ),
    Case("GPT2LMHeadModel", "feed-forward", {"path": "transformer.h.0.mlp.c_fc"}, 3),
    Case("GPT2LMHeadModel", "heads", {"path": "transformer.h.0.attn"}, 3),
    Case(
        "GPT2LMHeadModel",
        "stream, tied to the output",
        {"path": "transformer.wte", "together": "all", "by": 16},
        0,
        "found it tied: transformer.wte.weight, lm_head.weight",
    ),
    Case("LlamaForCausalLM", "gated feed-forward", {"path": "model.layers.0.mlp.up_proj"}, 3),
    Case("LlamaForCausalLM", "grouped heads", {"path": "model.layers.0.self_attn"}, 4),
    Case("LlamaForCausalLM", "stream, doubled", {"path": "model.embed_tokens", "together": "all", "by": 16}, 21),
    Case("Qwen3ForCausalLM", "grouped heads with norms", {"path": "model.layers.1.self_attn"}, 4),
    Case("Phi3ForCausalLM", "gate in one layer", {"path": "model.layers.0.mlp.gate_up_proj"}, 2),
    Case("ViTForImageClassification", "feed-forward", {"path": "vit.layers.0.mlp.fc1"}, 3),
    Case("ViTForImageClassification", "heads", {"path": "vit.layers.0.attention"}, 7),
    Case(
        "ViTForImageClassification",
        "stream with positions, doubled",
        {"path": "vit.embeddings.patch_embeddings.projection", "together": "all", "by": 16},
        31,
    ),
    Case("T5ForConditionalGeneration", "feed-forward", {"path": f"{T5_ENCODER}.1.DenseReluDense.wi"}, 2),
    Case(
        "T5ForConditionalGeneration",
        "heads of one layer",
        {"path": f"{T5_ENCODER}.0.SelfAttention"},
        0,
        "'encoder.block.0.layer.0.SelfAttention.relative_attention_bias' write to the same sum",
    ),
    Case(
        "T5ForConditionalGeneration",
        "heads of the encoder",
        {"path": f"{T5_ENCODER}.0.SelfAttention", "together": "all"},
        9,
    ),
    Case("gated T5ForConditionalGeneration", "gated", {"path": "decoder.block.1.layer.2.DenseReluDense.wi_1"}, 3),
]


def built(form: str) -> tuple[Any, dict[str, Any]]:
    config, fields, inputs = FORMS[form]
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = getattr(transformers, form.split()[-1])(getattr(transformers, config)(**fields))
    return model, dict(inputs)


def logits(model: nn.Module, inputs: dict[str, Any]) -> Tensor:
    with torch.no_grad():
        result: Tensor = model.eval()(**inputs).logits
    return result


def rows() -> list[tuple[str, str, str]]:
    """Return the table: network, what is widened, and `works` or the refusal."""
    table = []
    for case in CASES:
        model, inputs = built(case.form)
        try:
            operation = WidenLayer.model_validate({"by": 2, **case.fields})
            grow(model, torch.optim.SGD(model.parameters()), operation, probe=Probe(inputs))
            table.append((case.form, case.operation, "works"))
        except InputError as error:
            table.append((case.form, case.operation, f"refused: {error}"))
    return table


@pytest.mark.parametrize("case", [case for case in CASES if case.carried], ids=repr)
def test_logits_stay_and_training_goes_on(case: Case) -> None:
    model, inputs = built(case.form)
    optimizer = torch.optim.AdamW(model.parameters())
    model.train()(**inputs).logits.square().mean().backward()
    optimizer.step()
    before = logits(model, inputs)

    growth = grow(model, optimizer, WidenLayer.model_validate({"by": 2, **case.fields}), probe=Probe(inputs)).growth
    after = logits(model, inputs)
    model.train()(**inputs).logits.square().mean().backward()
    optimizer.step()

    torch.testing.assert_close(after, before, rtol=1e-4, atol=1e-6)
    assert len(growth.carried) == case.carried
    assert all(parameter.grad is not None for parameter in (item.new for item in growth.carried))


@pytest.mark.parametrize("case", [case for case in CASES if case.refused], ids=repr)
def test_what_is_refused_leaves_the_same_logits(case: Case) -> None:
    model, inputs = built(case.form)
    before, config = logits(model, inputs), model.config.to_dict()

    with pytest.raises(InputError) as refusal:
        grow(
            model,
            torch.optim.SGD(model.parameters()),
            WidenLayer.model_validate({"by": 2, **case.fields}),
            probe=Probe(inputs),
        )

    assert case.refused in str(refusal.value)
    assert torch.equal(logits(model, inputs), before)
    assert model.config.to_dict() == config


@pytest.mark.parametrize("method", [RandomUnits(), PairedUnits(), CopiedUnits(noise=0)], ids=repr)
def test_heads_and_gates_get_values_by_every_method(method: Any) -> None:
    model, inputs = built("LlamaForCausalLM")
    before, optimizer = logits(model, inputs), torch.optim.SGD(model.parameters())

    for path in ("model.layers.0.self_attn", "model.layers.1.mlp.gate_proj"):
        grow(model, optimizer, WidenLayer(path=path, by=2, method=method), probe=Probe(inputs))

    torch.testing.assert_close(logits(model, inputs), before, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("operation", ["heads", "heads by the layers that make them"])
def test_attributes_say_how_many_heads_there_are(operation: str) -> None:
    case = next(case for case in CASES if case.operation == operation)
    model, inputs = built("BertForSequenceClassification")
    widen = WidenLayer.model_validate({"by": 2, **case.fields})

    grow(model, torch.optim.SGD(model.parameters()), widen, probe=Probe(inputs))

    attention = model.get_submodule(f"{BERT}.attention.self")
    assert (attention.num_attention_heads, attention.all_head_size, attention.attention_head_size) == (4, 32, 8)


def test_directions_follow_the_loss_that_a_network_computes_itself() -> None:
    model, inputs = built("BertForSequenceClassification")
    before, optimizer = logits(model, inputs), torch.optim.SGD(model.parameters())
    probe = Probe({**inputs, "labels": torch.tensor([0, 1, 0])})

    grow(model, optimizer, WidenLayer(path=f"{BERT}.intermediate.dense", by=2, method=GradMaxUnits()), probe=probe)
    with pytest.raises(SpecError, match="expected one linear layer that writes"):
        grow(model, optimizer, WidenLayer(path=f"{BERT}.attention", by=2, method=GradMaxUnits()), probe=probe)

    torch.testing.assert_close(logits(model, inputs), before, rtol=1e-4, atol=1e-6)


PATHS = {
    "BertForSequenceClassification": "bert.encoder.layer.{}.intermediate.dense",
    "GPT2LMHeadModel": "transformer.h.{}.mlp.c_fc",
    "LlamaForCausalLM": "model.layers.{}.self_attn",
}


@pytest.mark.parametrize("form", PATHS)
def test_a_network_whose_layers_have_all_grown_can_be_saved_and_loaded(form: str, tmp_path: Path) -> None:
    model, inputs = built(form)
    mine, sizes = model.config, model.config.to_dict()

    for layer in range(2):
        operation = WidenLayer(path=PATHS[form].format(layer), by=2)
        grow(model, torch.optim.SGD(model.parameters()), operation, probe=Probe(inputs))
        assert (model.config.to_dict() == sizes) == (layer == 0)
    model.save_pretrained(tmp_path)
    loaded = type(model).from_pretrained(tmp_path)

    assert torch.equal(logits(loaded, inputs), logits(model, inputs))
    assert mine.to_dict() == sizes
