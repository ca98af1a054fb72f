"""Networks that others build, and where in them each operation may begin."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm, weight_norm

from harness.models import ConvNet

__all__ = ["NETWORKS", "Network"]


@dataclass(frozen=True)
class Network:
    """A network, a batch for it, and paths of modules; those that it does not have are empty.

    Attributes:
        head: the layer that computes the outputs.
        tap: what a new head reads, and a new layer is inserted after.
        hidden: the layer that is widened; an attention module gets a head.
        branch: what adds to a sum.
        stack: the list of layers.
        zeroed: within a layer of the stack, what adds to the residual stream.
        layers: which of the stack are copied, if not all.
        maps: whether the tap returns maps.
    """

    build: Callable[[], nn.Module]
    batch: Callable[[], Any]
    head: str = ""
    tap: str = ""
    hidden: str = ""
    branch: str = ""
    embedding: str = ""
    stack: str = ""
    zeroed: tuple[str, ...] = ()
    layers: tuple[int, ...] | None = None
    maps: bool = False


def rows() -> Tensor:
    return torch.randn(4, 6, generator=torch.Generator().manual_seed(0))


def sequences() -> Tensor:
    return torch.randn(4, 5, 8, generator=torch.Generator().manual_seed(0))


def images() -> Tensor:
    return torch.randn(4, 3, 16, 16, generator=torch.Generator().manual_seed(0))


def tokens() -> Tensor:
    return torch.randint(3, 11, (4, 5), generator=torch.Generator().manual_seed(0))


class Block(nn.Module):
    """A residual block of convolutions."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(4, 4, 3, padding=1), nn.Conv2d(4, 4, 3, padding=1)
        self.norm = nn.BatchNorm2d(4)

    def forward(self, maps: Tensor) -> Tensor:
        branch: Tensor = self.conv2(self.norm(self.conv1(maps)).relu())
        return maps + branch


class Recurrent(nn.Module):
    """Classifies sequences by the last state of an LSTM."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(8, 6, batch_first=True)
        self.fc = nn.Linear(6, 3)

    def forward(self, inputs: Tensor) -> Tensor:
        logits: Tensor = self.fc(self.lstm(inputs)[0][:, -1])
        return logits


class Encoder(nn.Module):
    """Classifies sequences by torch's own transformer encoder."""

    def __init__(self) -> None:
        super().__init__()
        layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, dropout=0.0)
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.fc = nn.Linear(8, 3)

    def forward(self, inputs: Tensor) -> Tensor:
        logits: Tensor = self.fc(self.encoder(inputs).mean(dim=1))
        return logits


class LanguageModel(nn.Module):
    """A language model whose output layer has the weight of its embedding."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(11, 8)
        self.body = nn.Sequential(nn.Linear(8, 8), nn.Tanh())
        self.output = nn.Linear(8, 11)
        self.output.weight = self.embedding.weight

    def forward(self, inputs: Tensor) -> Tensor:
        logits: Tensor = self.output(self.body(self.embedding(inputs)))
        return logits


def mlp(norm: Callable[[nn.Module], nn.Module] = lambda layer: layer) -> nn.Module:
    hidden = [layer for _ in range(2) for layer in (norm(nn.Linear(6, 6)), nn.ReLU())]
    return nn.Sequential(nn.Sequential(*hidden), norm(nn.Linear(6, 3)))


def resnet() -> nn.Module:
    pool = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.Sequential(Block(), Block()), pool, nn.Linear(4, 3))


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
    "num_labels": 3,
}


def hugging_face(name: str, **sizes: Any) -> Callable[[], nn.Module]:
    def build() -> nn.Module:
        import transformers

        kind = getattr(transformers, name)
        model: nn.Module = kind(kind.config_class(**{**SIZES, **sizes}))
        return model

    return build


def adapted() -> nn.Module:
    import peft

    targets = ["up_proj", "down_proj", "lm_head", "embed_tokens"]
    config = peft.LoraConfig(r=2, task_type="CAUSAL_LM", target_modules=targets)
    model: nn.Module = peft.get_peft_model(hugging_face("LlamaForCausalLM")(), config)
    return model


def text() -> dict[str, Tensor]:
    return {"input_ids": tokens(), "attention_mask": torch.ones(4, 5, dtype=torch.int64)}


def text_to_text() -> dict[str, Tensor]:
    return {"input_ids": tokens(), "decoder_input_ids": tokens()}


def pixels() -> dict[str, Tensor]:
    return {"pixel_values": images()}


def speech() -> dict[str, Tensor]:
    features = torch.randn(4, 8, 32, generator=torch.Generator().manual_seed(0))
    return {"input_features": features, "decoder_input_ids": tokens()}


def network(build: Callable[[], nn.Module], batch: Callable[[], Any], **where: Any) -> Network:
    """Return the network with these paths."""
    return Network(build, batch, **where)


MLP_PATHS: dict[str, Any] = {"head": "1", "tap": "0", "hidden": "0.0", "stack": "0", "layers": (0, 1)}
LLAMA: dict[str, Any] = {
    "head": "lm_head",
    "tap": "model.layers.0",
    "hidden": "model.layers.0.mlp.up_proj",
    "branch": "model.layers.1.mlp",
    "embedding": "model.embed_tokens",
    "stack": "model.layers",
    "zeroed": ("self_attn.o_proj", "mlp.down_proj"),
}
BERT: dict[str, Any] = {
    "tap": "bert.encoder.layer.0",
    "hidden": "bert.encoder.layer.0.intermediate.dense",
    "embedding": "bert.embeddings.word_embeddings",
    "stack": "bert.encoder.layer",
}
T5 = {"d_model": 8, "d_kv": 4, "d_ff": 16, "num_hidden_layers": 3, "num_decoder_layers": 3, "num_heads": 2}
PAIR = {f"{part}_{name}": 2 for part in ("encoder", "decoder") for name in ("layers", "ffn_dim", "attention_heads")}
NETWORKS: dict[str, Network] = {
    "perceptron": network(mlp, rows, **MLP_PATHS),
    "perceptron, weight norm": network(lambda: mlp(weight_norm), rows, **MLP_PATHS),
    "perceptron, spectral norm": network(lambda: mlp(spectral_norm), rows, **MLP_PATHS),
    "convolutions, batch norm": network(
        lambda: ConvNet(image=(3, 16, 16), channels=(4, 6), hidden=8).build(3),
        images,
        head="output",
        tap="blocks.1",
        hidden="blocks.0.conv",
        stack="blocks",
        layers=(1,),
        maps=True,
    ),
    "residual net": network(
        resnet,
        images,
        head="3",
        tap="1.0",
        hidden="1.0.conv1",
        branch="1.0.conv2",
        stack="1",
        zeroed=("conv2",),
        maps=True,
    ),
    "segmentation": network(
        lambda: nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 3, 1)),
        images,
        head="2",
        tap="1",
        hidden="0",
        maps=True,
    ),
    "LSTM": network(Recurrent, sequences, head="fc", tap="lstm", hidden="lstm"),
    "nn.TransformerEncoder": network(
        Encoder,
        sequences,
        head="fc",
        tap="encoder.layers.0",
        hidden="encoder.layers.0.linear1",
        stack="encoder.layers",
    ),
    "language model, tied": network(
        LanguageModel,
        tokens,
        head="output",
        tap="body",
        hidden="body.0",
        embedding="embedding",
        stack="body",
    ),
    "BERT, masked tokens": network(hugging_face("BertForMaskedLM"), text, head="cls.predictions.decoder", **BERT),
    "BERT, classes": network(hugging_face("BertForSequenceClassification"), text, head="classifier", **BERT),
    "DistilBERT, classes": network(
        hugging_face("DistilBertForSequenceClassification", dim=8, hidden_dim=16, n_heads=2, n_layers=2),
        text,
        head="classifier",
        tap="distilbert.transformer.layer.0",
        hidden="distilbert.transformer.layer.0.ffn.lin1",
        stack="distilbert.transformer.layer",
        embedding="distilbert.embeddings.word_embeddings",
    ),
    "GPT-2": network(
        hugging_face("GPT2LMHeadModel"),
        text,
        head="lm_head",
        tap="transformer.h.0",
        hidden="transformer.h.0.mlp.c_fc",
        branch="transformer.h.0.mlp",
        embedding="transformer.wte",
        stack="transformer.h",
        zeroed=("attn.c_proj", "mlp.c_proj"),
    ),
    "Llama": network(hugging_face("LlamaForCausalLM"), text, **LLAMA),
    "Llama, attention": network(
        hugging_face("LlamaForCausalLM"), text, **{**LLAMA, "hidden": "model.layers.0.self_attn"}
    ),
    "Qwen3": network(hugging_face("Qwen3ForCausalLM", head_dim=4, num_key_value_heads=2), text, **LLAMA),
    "Llama, LoRA": network(
        adapted,
        text,
        **{key: value if key == "zeroed" else f"base_model.model.{value}" for key, value in LLAMA.items()},
    ),
    "T5": network(
        hugging_face("T5ForConditionalGeneration", **T5),
        text_to_text,
        head="lm_head",
        tap="decoder.block.0.layer.2",
        hidden="encoder.block.0.layer.1.DenseReluDense.wi",
        branch="encoder.block.0.layer.1.DenseReluDense",
        embedding="shared",
        stack="decoder.block",
        zeroed=("layer.0.SelfAttention.o", "layer.1.EncDecAttention.o", "layer.2.DenseReluDense.wo"),
        layers=(1, 2),
    ),
    "BART": network(
        hugging_face("BartForConditionalGeneration", d_model=8, **PAIR),
        text_to_text,
        head="lm_head",
        tap="model.decoder.layers.0",
        hidden="model.encoder.layers.0.fc1",
        embedding="model.shared",
        stack="model.decoder.layers",
    ),
    "Whisper": network(
        hugging_face(
            "WhisperForConditionalGeneration",
            **{"d_model": 8, "num_mel_bins": 8, "max_source_positions": 16, "max_target_positions": 16, **PAIR},
        ),
        speech,
        head="proj_out",
        tap="model.decoder.layers.0",
        hidden="model.encoder.layers.0.fc1",
        embedding="model.decoder.embed_tokens",
        stack="model.decoder.layers",
        zeroed=("self_attn.out_proj", "encoder_attn.out_proj", "fc2"),
    ),
    "ViT, classes": network(
        hugging_face("ViTForImageClassification", image_size=16, patch_size=8),
        pixels,
        head="classifier",
        tap="vit.layers.0",
        hidden="vit.layers.0.mlp.fc1",
        stack="vit.layers",
    ),
}
