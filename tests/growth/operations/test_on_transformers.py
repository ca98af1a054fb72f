"""Operations on networks of Hugging Face's transformers, tiny and with random weights."""

import copy
import functools
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from harness.core.errors import ModulePathError
from harness.growth import (
    AttachHead,
    DuplicateLayers,
    InsertLayer,
    Probe,
    ResizeEmbedding,
    ToggleHead,
    WidenHead,
    grow,
)
from harness.growth.layers import ConvLayer, MLPBlock
from harness.models import GrowableModel
from harness.models.call import call, map_tensors
from harness.models.pooling import Pool

transformers = pytest.importorskip("transformers")
SIZES = {
    "vocab_size": 11,
    "hidden_size": 8,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 16,
    "max_position_embeddings": 16,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "pad_token_id": 0,
}
TOKENS = torch.tensor([[3, 4, 5, 6], [7, 8, 9, 10]])


@functools.cache
def _built(name: str, **changes: Any) -> nn.Module:
    kind = getattr(transformers, name)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model: nn.Module = kind(kind.config_class(**{**SIZES, **changes}))
    return model.eval()


def build(name: str, **changes: Any) -> Any:
    return copy.deepcopy(_built(name, **changes))


def bert() -> Any:
    return build("BertForMaskedLM")


def gpt2() -> Any:
    return build("GPT2LMHeadModel")


def t5() -> Any:
    sizes = {"d_model": 8, "d_kv": 4, "d_ff": 16, "num_hidden_layers": 3, "num_decoder_layers": 3}
    return build("T5ForConditionalGeneration", decoder_start_token_id=0, **sizes)


def bart() -> Any:
    sizes = {"d_model": 8, "encoder_layers": 2, "decoder_layers": 3}
    sizes |= {f"{part}_{name}": 2 for part in ("encoder", "decoder") for name in ("ffn_dim", "attention_heads")}
    return build("BartForConditionalGeneration", **sizes)


def llama() -> Any:
    return build("LlamaForCausalLM")


def trained(model: Any) -> torch.optim.Optimizer:
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    step(model, optimizer)
    return optimizer


def step(model: Any, optimizer: torch.optim.Optimizer, tokens: torch.Tensor = TOKENS) -> None:
    optimizer.zero_grad()
    model(input_ids=tokens, labels=tokens).loss.backward()
    optimizer.step()


@pytest.mark.parametrize(
    ("build_model", "path"),
    [
        (bert, "bert.embeddings.word_embeddings"),
        (gpt2, "transformer.wte"),
        (t5, "shared"),
        (bart, "model.shared"),
        (llama, "model.embed_tokens"),
    ],
)
def test_new_tokens_are_read_and_predicted_and_old_ones_as_before(build_model: Any, path: str) -> None:
    model = build_model()
    optimizer, config = trained(model), model.config
    before = model(input_ids=TOKENS, labels=TOKENS).logits

    growth = grow(model, optimizer, ResizeEmbedding(path=path, to=14)).growth

    torch.testing.assert_close(model(input_ids=TOKENS, labels=TOKENS).logits[..., :11], before)
    step(model, optimizer, TOKENS + 3)
    assert (model.config.vocab_size, config.vocab_size) == (14, 11)
    assert all(optimizer.state[item.new]["step"] == 2 for item in growth.carried)
    tied = bool(model.config.tie_word_embeddings)
    assert (model.get_output_embeddings().weight is model.get_input_embeddings().weight) == tied


def test_an_embedding_follows_a_tied_output_layer_and_so_does_the_size_of_the_loss() -> None:
    model = bert()
    optimizer = trained(model)
    before = model(input_ids=TOKENS).logits

    grow(model, optimizer, WidenHead(path="cls.predictions.decoder", to=14, rows="in_place"))

    torch.testing.assert_close(model(input_ids=TOKENS).logits[..., :11], before)
    step(model, optimizer, TOKENS + 3)
    assert model.config.vocab_size == 14


def test_a_bias_that_the_network_adds_to_the_outputs_grows_with_them() -> None:
    model = bart()
    before = model(input_ids=TOKENS).logits

    grow(model, trained(model), WidenHead(path="lm_head", to=14))

    assert model(input_ids=TOKENS).logits.shape == (*before.shape[:2], 14)
    assert model.final_logits_bias.shape == (1, 14)


def test_a_network_that_has_grown_is_saved_and_loaded_by_its_library(tmp_path: Path) -> None:
    model = llama()
    grow(model, trained(model), ResizeEmbedding(path="model.embed_tokens", to=14))

    model.save_pretrained(tmp_path)
    loaded = type(model).from_pretrained(tmp_path)

    assert torch.equal(loaded(input_ids=TOKENS + 3).logits, model(input_ids=TOKENS + 3).logits)


IMAGES = torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))


def vit() -> Any:
    return build("ViTForImageClassification", image_size=8, patch_size=4)


@pytest.mark.parametrize(
    ("build_model", "operation", "layers"),
    [
        (bert, {"path": "bert.encoder.layer"}, 4),
        (gpt2, {"path": "transformer.h", "zeroed": ("attn.c_proj", "mlp.c_proj"), "order": "interleave"}, 4),
        (t5, {"path": "encoder.block", "layers": (1, 2)}, 5),
        (t5, {"path": "decoder.block", "layers": (1, 2)}, 5),
        (bart, {"path": "model.decoder.layers", "order": "interleave"}, 6),
        (llama, {"path": "model.layers"}, 4),
        (llama, {"path": "model.layers", "zeroed": ("self_attn.o_proj", "mlp.down_proj")}, 4),
        (vit, {"path": "vit.layers"}, 4),
    ],
)
def test_a_deeper_network_trains_and_is_the_one_of_its_config(build_model: Any, operation: Any, layers: int) -> None:
    model = build_model()
    reads_images = hasattr(model, "vit")
    batch = {"pixel_values": IMAGES} if reads_images else {"input_ids": TOKENS}
    batch["labels"] = torch.tensor([0, 1]) if reads_images else TOKENS
    optimizer, before = torch.optim.AdamW(model.parameters(), lr=1e-2), model(**batch).logits
    spec = DuplicateLayers.model_validate(operation)

    grow(model, optimizer, spec, probe=Probe(batch))
    output = model(**batch)
    output.loss.backward()
    optimizer.step()

    assert len(model.get_submodule(spec.path)) == layers
    assert all(parameter.grad is not None for parameter in model.parameters())
    assert torch.allclose(output.logits, before, atol=1e-6) == bool(spec.zeroed)
    rebuilt = type(model)(model.config).eval()
    rebuilt.load_state_dict(model.state_dict())
    assert torch.equal(rebuilt(**batch).logits, model(**batch).logits)


def test_a_deeper_decoder_keeps_a_cache_for_each_layer() -> None:
    model = llama()
    grow(model, trained(model), DuplicateLayers(path="model.layers", order="interleave"), probe=Probe(TOKENS))

    with_cache, without = (
        model.generate(input_ids=TOKENS, max_new_tokens=4, do_sample=False, use_cache=cache) for cache in (True, False)
    )

    assert torch.equal(with_cache, without)


def test_a_layer_that_computes_the_positions_of_all_is_not_copied() -> None:
    model = t5()

    with pytest.raises(ModulePathError, match=r"relative_attention_bias\.weight' in layer 0 alone"):
        grow(model, trained(model), DuplicateLayers(path="encoder.block"), probe=Probe(TOKENS))


MASK = torch.tensor([[1, 1, 1, 1], [1, 1, 0, 0]])
PADDED = {"input_ids": TOKENS, "attention_mask": MASK}
PAIRS = {**PADDED, "decoder_input_ids": TOKENS[:, :3]}
LARGER = torch.randn(2, 3, 16, 16, generator=torch.Generator().manual_seed(0))


def convnext() -> Any:
    return build("ConvNextForImageClassification", num_stages=2, hidden_sizes=(8, 16), depths=(1, 1))


@pytest.mark.parametrize(
    ("build_model", "batch", "tap", "pool"),
    [
        (bert, PADDED, "bert.encoder.layer.0", "mean"),
        (bert, PADDED, "bert", "first"),
        (gpt2, PADDED, "transformer.h.0.mlp.act", "last"),
        (gpt2, PADDED, "transformer", "mean"),
        (llama, PADDED, "model.layers.1", "last"),
        (t5, PAIRS, "encoder", "mean"),
        (t5, PAIRS, "decoder.block.1", "last"),
        (vit, IMAGES, "vit.layernorm", "first"),
        (vit, {"pixel_values": IMAGES}, "vit.embeddings.patch_embeddings.projection", "mean"),
        (convnext, LARGER, "convnext.encoder.stages.0", "mean"),
    ],
)
def test_a_head_reads_each_example_alone_and_no_padding(build_model: Any, batch: Any, tap: str, pool: Pool) -> None:
    model = GrowableModel(build_model(), "known")
    before = model(batch)
    grow(model, trained_optimizer(model), AttachHead(name="late", outputs=3, tap=tap, pool=pool), probe=Probe(batch))
    model.eval()
    one = map_tensors(lambda tensor: tensor[1:], batch)
    if isinstance(batch, dict) and "input_ids" in batch:
        one["input_ids"] = torch.where(MASK[1:] == 1, one["input_ids"], 3)

    outputs = model(batch)

    torch.testing.assert_close(outputs["late"][1:], model(one)["late"])
    torch.testing.assert_close(outputs["logits"], before["logits"], rtol=0, atol=0)


def trained_optimizer(model: nn.Module) -> torch.optim.Optimizer:
    return torch.optim.AdamW(model.parameters(), lr=1e-2)


@pytest.mark.parametrize(
    ("build_model", "batch", "after"),
    [
        (bert, PADDED, "bert.encoder.layer.0.attention"),
        (bert, PADDED, "bert"),
        (gpt2, PADDED, "transformer.h.0.attn"),
        (t5, PAIRS, "encoder"),
        (vit, IMAGES, "vit.layers.0"),
        (convnext, LARGER, "convnext.encoder.stages.0.layers.0.pwconv1"),
    ],
)
def test_a_layer_is_inserted_that_changes_nothing_and_learns(build_model: Any, batch: Any, after: str) -> None:
    model = build_model()
    before = call(model, batch).logits
    layer = ConvLayer() if "pwconv" in after else MLPBlock(width=4)

    grown = grow(model, trained_optimizer(model), InsertLayer(after=after, layer=layer), probe=Probe(batch)).growth

    after_growth = call(model, batch).logits
    after_growth.square().sum().backward()
    torch.testing.assert_close(after_growth, before, rtol=0, atol=0)
    assert any(parameter.grad is not None and parameter.grad.any() for parameter in grown.born)


@pytest.mark.parametrize(("build_model", "path"), [(gpt2, "transformer.h.0.attn"), (llama, "model.layers.0.mlp")])
def test_a_branch_is_switched_off_and_a_block_is_not(build_model: Any, path: str) -> None:
    model = build_model()

    grow(model, trained_optimizer(model), ToggleHead(path=path, on=False), probe=Probe(PADDED))

    assert model(**PADDED).logits.shape == (2, 4, 11)
    block = ToggleHead(path=path.rpartition(".")[0], on=False)
    with pytest.raises(ModulePathError, match="expected a branch that is a term of a sum"):
        grow(model, trained_optimizer(model), block, probe=Probe(PADDED))


def test_new_units_follow_the_loss_that_the_network_computes() -> None:
    model = bert()
    probe = Probe({**PADDED, "labels": TOKENS})

    loss = probe.loss_of(call(model, probe.inputs))

    torch.testing.assert_close(loss, model(**probe.inputs).loss)
