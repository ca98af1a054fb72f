"""What is frozen stands still in networks of Hugging Face's transformers, tiny and with random weights."""

import copy
from typing import Any

import pytest
import torch
from torch.optim import AdamW

from harness.core.errors import SpecError
from harness.growth import InsertLayer, OldParameters, Probe, WidenHead, WidenLayer, grow, growth_state, refreeze
from harness.growth.freezing import UpToTap, WarmUpThenThaw
from harness.growth.layers import MLPBlock

transformers = pytest.importorskip("transformers")
TOKENS = {"input_ids": torch.tensor([[3, 4, 5, 6], [7, 8, 9, 2]]), "attention_mask": torch.ones(2, 4, dtype=torch.long)}
PIXELS = {"pixel_values": torch.randn(2, 3, 16, 16, generator=torch.Generator().manual_seed(0))}
SPEECH = {"input_values": torch.randn(2, 200, generator=torch.Generator().manual_seed(0))}
SIZES = {"hidden_size": 8, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 16, "num_labels": 3}
RESNET = {"embedding_size": 4, "hidden_sizes": [4, 8], "depths": [1, 1], "layer_type": "basic"}
WAV2VEC2 = {
    "conv_dim": (8, 8),
    "conv_stride": (5, 2),
    "conv_kernel": (10, 3),
    "num_feat_extract_layers": 2,
    "num_conv_pos_embeddings": 4,
    "num_conv_pos_embedding_groups": 2,
    "classifier_proj_size": 8,
}
DROPOUT = {"hidden_dropout_prob": 0.4, "attention_probs_dropout_prob": 0.4}
# By model: what its config is told, a batch, and the layer of its outputs.
MODELS: dict[str, tuple[dict[str, Any], dict[str, torch.Tensor], str]] = {
    "BertForSequenceClassification": ({"vocab_size": 11, **DROPOUT}, TOKENS, "classifier"),
    "LlamaForSequenceClassification": (
        {"vocab_size": 11, "pad_token_id": 0, "eos_token_id": 2, "attention_dropout": 0.4},
        TOKENS,
        "score",
    ),
    "ViTForImageClassification": ({"image_size": 16, "patch_size": 8, **DROPOUT}, PIXELS, "classifier"),
    "ResNetForImageClassification": (RESNET, PIXELS, "classifier.1"),
    "Wav2Vec2ForSequenceClassification": (WAV2VEC2, SPEECH, "classifier"),
}


def build(name: str) -> tuple[Any, dict[str, torch.Tensor], str]:
    sizes, batch, path = MODELS[name]
    kind = getattr(transformers, name)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return kind(kind.config_class(**{**SIZES, **sizes})).train(), batch, path


def step(model: Any, optimizer: AdamW, batch: dict[str, torch.Tensor]) -> None:
    model.train()  # as the Trainer does at each step
    model(**batch).logits.square().mean().backward()
    optimizer.step()
    optimizer.zero_grad()


def changed(model: Any, before: dict[str, torch.Tensor]) -> list[str]:
    return [name for name, value in model.state_dict().items() if not torch.equal(value, before[name])]


@pytest.mark.parametrize("name", MODELS)
def test_frozen_parts_stand_still_and_the_next_growth_thaws_them(name: str) -> None:
    model, batch, path = build(name)
    optimizer = AdamW(model.parameters(), lr=0.01)
    step(model, optimizer, batch)

    grow(model, optimizer, WidenHead(path=path, to=5), freeze_policy=OldParameters())
    before = {key: value.clone() for key, value in model.state_dict().items()}
    new = [key for key, parameter in model.named_parameters() if parameter.requires_grad]
    body = model.get_submodule(model.base_model_prefix)
    model.train()
    features = [body(**batch)[0].detach() for _ in range(2)]
    for _ in range(2):
        step(model, optimizer, batch)

    assert torch.equal(*features)
    assert changed(model, before) == new
    assert {key.removeprefix(f"{path}.") for key in new} <= {"parts.1.weight", "parts.1.bias"}

    twin = copy.deepcopy(model)
    grow(model, optimizer, WidenHead(path=path, to=6))
    grow(twin, AdamW(twin.parameters()), WidenHead(path=path, to=6))

    assert all(parameter.requires_grad for parameter in (*model.parameters(), *twin.parameters()))
    assert not any(module._forward_pre_hooks for module in (*model.modules(), *twin.modules()))
    assert growth_state(twin).number == 2
    newest = f"{path}.parts.2.weight"
    assert torch.equal(model.get_parameter(newest), twin.get_parameter(newest))


def test_a_body_that_was_frozen_by_hand_stays_so() -> None:
    model, batch, path = build("BertForSequenceClassification")
    model.bert.requires_grad_(False)
    optimizer = AdamW((p for p in model.parameters() if p.requires_grad), lr=0.01)

    grow(model, optimizer, WidenHead(path=path, to=5), freeze_policy=OldParameters())
    grow(model, optimizer, WidenHead(path=path, to=6))
    step(model, optimizer, batch)

    assert not any(parameter.requires_grad for parameter in model.bert.parameters())
    assert all(parameter.requires_grad for parameter in model.classifier.parameters())


def test_a_new_layer_learns_in_a_frozen_body_until_that_thaws() -> None:
    model, batch, _ = build("BertForSequenceClassification")
    optimizer = AdamW(model.parameters(), lr=0.01)
    insertion = InsertLayer(after="bert.encoder.layer.0.output", layer=MLPBlock(width=4))

    grow(model, optimizer, insertion, freeze_policy=WarmUpThenThaw(steps=2), probe=Probe(batch))
    trained = []
    for age in range(3):
        refreeze(model, optimizer, step=age)
        before = {key: value.clone() for key, value in model.state_dict().items()}
        step(model, optimizer, batch)
        trained.append(changed(model, before))

    assert all("inserted" in name for name in trained[0])
    assert trained[0]
    assert "bert.encoder.layer.1.output.dense.weight" in trained[2]


def test_a_convolution_that_grew_is_not_frozen_by_its_own_policy() -> None:
    model, batch, _ = build("ResNetForImageClassification")
    optimizer = AdamW(model.parameters(), lr=0.01)
    before = model.state_dict()
    widening = WidenLayer(path="resnet.encoder.stages.1.layers.0.layer.0.convolution", by=2)

    with pytest.raises(SpecError, match=r"to freeze no tensor that this growth adds entries to"):
        grow(model, optimizer, widening, freeze_policy=UpToTap(tap="resnet"), probe=Probe(batch))

    assert changed(model, before) == []
    assert all(parameter.requires_grad for parameter in model.parameters())
