"""Operations on networks that Hugging Face's PEFT has adapted, tiny and with random weights."""

from pathlib import Path
from typing import Any

import pytest
import torch

from harness.core.errors import ModulePathError
from harness.growth import Probe, RaiseRank, ResizeEmbedding, WidenHead, WidenLayer, grow

peft = pytest.importorskip("peft")
transformers = pytest.importorskip("transformers")
pytestmark = [pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::UserWarning")]

TOKENS = torch.tensor([[3, 4, 5, 6], [7, 8, 9, 10]])
SIZES = {"vocab_size": 11, "hidden_size": 8, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 16}


def base(kind: str = "LlamaForCausalLM") -> Any:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return getattr(transformers, kind)(transformers.LlamaConfig(pad_token_id=0, num_labels=3, **SIZES)).eval()


def adapted(*targets: str, kind: str = "LlamaForCausalLM", task: str = "CAUSAL_LM", **options: Any) -> Any:
    with torch.random.fork_rng():
        torch.manual_seed(1)
        config = peft.LoraConfig(r=2, task_type=task, target_modules=list(targets), **options)
        return peft.get_peft_model(base(kind), config).eval()


def trained(model: Any) -> torch.optim.Optimizer:
    optimizer = torch.optim.AdamW((p for p in model.parameters() if p.requires_grad), lr=1e-2)
    for _ in range(2):
        step(model, optimizer)
    return optimizer


def step(model: Any, optimizer: torch.optim.Optimizer) -> None:
    optimizer.zero_grad()
    model(input_ids=TOKENS).logits.square().sum().backward()
    optimizer.step()


@pytest.mark.parametrize(
    "operation",
    [
        WidenHead(path="base_model.model.lm_head", to=14, rows="in_place"),
        ResizeEmbedding(path="base_model.model.model.embed_tokens", to=14),
    ],
)
def test_adapted_layers_get_rows(operation: WidenHead | ResizeEmbedding) -> None:
    model = adapted("lm_head", "embed_tokens")
    optimizer = trained(model)
    before = model(input_ids=TOKENS).logits

    grow(model, optimizer, operation)

    torch.testing.assert_close(model(input_ids=TOKENS).logits[..., :11], before)
    assert model(input_ids=TOKENS).logits.shape[-1] == 14
    step(model, optimizer)


def test_a_feed_forward_of_adapted_layers_is_widened() -> None:
    model = adapted("up_proj", "down_proj")
    optimizer = trained(model)
    before = model(input_ids=TOKENS).logits
    path = "base_model.model.model.layers.0.mlp"

    grow(model, optimizer, WidenLayer(path=f"{path}.up_proj", by=2), probe=Probe({"input_ids": TOKENS}))

    torch.testing.assert_close(model(input_ids=TOKENS).logits, before)
    assert model.get_submodule(path).down_proj.in_features == 18
    step(model, optimizer)


def test_a_head_that_is_trained_beside_the_adapters_is_widened() -> None:
    model = adapted("q_proj", kind="LlamaForSequenceClassification", task="SEQ_CLS")
    optimizer = trained(model)
    before = model(input_ids=TOKENS).logits

    with pytest.raises(ModulePathError, match=r"name 'base_model\.model\.score\.modules_to_save\.default'"):
        grow(model, optimizer, WidenHead(path="base_model.model.score", to=5))
    grow(model, optimizer, WidenHead(path="base_model.model.score.modules_to_save.default", to=5))

    assert torch.equal(model(input_ids=TOKENS).logits[:, :3], before)
    step(model, optimizer)


@pytest.mark.parametrize(
    ("path", "options"),
    [("", {}), ("", {"use_rslora": True, "lora_alpha": 3}), ("base_model.model.model.layers.1", {})],
)
def test_a_higher_rank_is_loaded_as_it_was_saved(path: str, options: dict[str, Any], tmp_path: Path) -> None:
    model = adapted("q_proj", "embed_tokens", **options)
    optimizer = trained(model)
    before = model(input_ids=TOKENS).logits

    grow(model, optimizer, RaiseRank(to=5, path=path))
    after = model(input_ids=TOKENS).logits
    step(model, optimizer)
    model.save_pretrained(tmp_path)
    loaded = peft.PeftModel.from_pretrained(base(), tmp_path).eval()

    torch.testing.assert_close(after, before)
    assert torch.equal(loaded(input_ids=TOKENS).logits, model(input_ids=TOKENS).logits)


def test_an_adapter_of_another_kind_is_refused() -> None:
    model = adapted("q_proj", use_dora=True)

    with pytest.raises(ModulePathError, match="found a DoraLinearVariant"):
        grow(model, trained(model), RaiseRank(to=5))
