"""Segmentation networks of other libraries, with random weights, exported by PyTorch's exporter.

Random weights take the time of trained ones up to the scores. Their labels do not look like those
of trained ones: some give one class everywhere, others another one every few pixels.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor, nn

from ppmobileseg_deploy.exporters.trace import known_warnings

from .running import SIDE

_OPSET: Final = 17


@dataclass(frozen=True)
class Network:
    """A network to export.

    Attributes:
        label: What the table calls it.
        classes: Number of its classes.
        build: Makes it.
        pick: Takes the scores from what it gives.
        dynamic: Whether it can be exported for any size.
    """

    label: str
    classes: int
    build: Callable[[], nn.Module]
    pick: Callable[[Any], Tensor]
    dynamic: bool = True

    def export(self, path: Path) -> None:
        """Write it as an ONNX file."""
        torch.manual_seed(0)
        module = _Scores(self.build().eval(), self.pick)
        axes = {"input": {0: "batch", 2: "height", 3: "width"}} if self.dynamic else None
        with known_warnings(), torch.no_grad():
            torch.onnx.export(
                module,
                (torch.randn(1, 3, SIDE, SIDE),),
                path,
                dynamo=False,
                opset_version=_OPSET,
                input_names=["input"],
                output_names=["output"],
                dynamic_axes=axes,
            )


class _Scores(nn.Module):
    def __init__(self, network: nn.Module, pick: Callable[[Any], Tensor]) -> None:
        super().__init__()
        self.network = network
        self.pick = pick

    def forward(self, image: Tensor) -> Tensor:
        return self.pick(self.network(image))


def _torchvision(name: str, classes: int, **options: Any) -> Callable[[], nn.Module]:
    def build() -> nn.Module:
        from torchvision.models import segmentation

        network: nn.Module = getattr(segmentation, name)(
            weights=None, weights_backbone=None, num_classes=classes, **options
        )
        return network

    return build


def _transformers(name: str, classes: int, **options: Any) -> Callable[[], nn.Module]:
    def build() -> nn.Module:
        import transformers

        config = getattr(transformers, f"{name}Config")(num_labels=classes, **options)
        network: nn.Module = getattr(transformers, f"{name}ForSemanticSegmentation")(config)
        return network

    return build


def _smp(name: str, classes: int) -> Callable[[], nn.Module]:
    def build() -> nn.Module:
        import segmentation_models_pytorch

        network: nn.Module = getattr(segmentation_models_pytorch, name)(
            "mobilenet_v2", encoder_weights=None, classes=classes
        )
        return network

    return build


def _out(given: Any) -> Tensor:
    return given["out"]


def _logits(given: Any) -> Tensor:
    return given.logits


def _itself(given: Any) -> Tensor:
    return given


_DPT: Final[Mapping[str, Any]] = {
    "hidden_size": 192,
    "num_hidden_layers": 4,
    "num_attention_heads": 3,
    "intermediate_size": 384,
    "image_size": SIDE,
    "backbone_out_indices": [0, 1, 2, 3],
    "neck_hidden_sizes": [48, 96, 192, 192],
    "fusion_hidden_size": 64,
    "use_auxiliary_head": False,
}

NETWORKS: Final[Mapping[str, Network]] = {
    "segformer": Network(
        "SegFormer-B0, transformers", 150, _transformers("Segformer", 150), _logits
    ),
    "segformer19": Network(
        "SegFormer-B0, transformers", 19, _transformers("Segformer", 19), _logits
    ),
    "mobilevit": Network(
        "MobileViT, transformers",
        150,
        _transformers("MobileViT", 150),
        _logits,
        dynamic=False,
    ),
    "dpt": Network(
        "DPT, small, transformers", 150, _transformers("DPT", 150, **_DPT), _logits, dynamic=False
    ),
    "lraspp": Network(
        "LRASPP, torchvision", 150, _torchvision("lraspp_mobilenet_v3_large", 150), _out
    ),
    "lraspp21": Network(
        "LRASPP, torchvision", 21, _torchvision("lraspp_mobilenet_v3_large", 21), _out
    ),
    "deeplabv3": Network(
        "DeepLabV3 MobileNetV3, torchvision",
        150,
        _torchvision("deeplabv3_mobilenet_v3_large", 150),
        _out,
    ),
    "fcn": Network("FCN ResNet-50, torchvision", 21, _torchvision("fcn_resnet50", 21), _out),
    "deeplabv3plus": Network(
        "DeepLabV3+ MobileNetV2, segmentation-models-pytorch",
        150,
        _smp("DeepLabV3Plus", 150),
        _itself,
    ),
    "pan": Network(
        "PAN MobileNetV2, segmentation-models-pytorch", 21, _smp("PAN", 21), _itself, dynamic=False
    ),
    "unet": Network(
        "U-Net MobileNetV2, segmentation-models-pytorch", 21, _smp("Unet", 21), _itself
    ),
}
"""The networks by short name."""
