"""What a file, and files beside it, say about how its network wants images."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from onnx import ModelProto

from ...checkpoints import Recipe, Resizing
from ...errors import ModelError
from ...metadata import ModelMetadata
from ...sidecar import metadata_beside, sidecar_path
from .beside import known_origins


@dataclass(frozen=True)
class ForeignNetwork:
    """A file of another program, as `checkpoints.describe` wants to know a network.

    Attributes:
        file_name: See `checkpoints.Network`, as all of them.
    """

    file_name: str
    sha256: str
    num_classes: int
    stride: int
    said: Mapping[str, Recipe | None]
    variant: str = "unknown"
    threshold: float | None = None
    official_name: str | None = None
    class_names: tuple[str, ...] | None = None


def what_is_said(path: Path, model: ModelProto) -> dict[str, Recipe | None]:
    """Collect what is said about a file's network, by where; what counts more stands first.

    Args:
        path: The file.
        model: What is in it.

    Raises:
        ModelError: It has entries of ours that cannot be understood.
    """
    properties = {each.key: each.value for each in model.metadata_props}
    try:
        own = ModelMetadata.from_props(properties)
    except ValueError as error:
        raise ModelError(f"{path.name}: {error}") from error
    if own is not None:
        return {"the file's": _own(own)}
    beside = metadata_beside(path)
    if beside is not None:
        return {f"from {sidecar_path(path).name}": _own(beside)}
    return known_origins(path, properties)


def _own(metadata: ModelMetadata) -> Recipe:
    mean, std = metadata.mean_rgb, metadata.std_rgb
    if metadata.channel_order == "bgr":
        mean, std = mean[::-1], std[::-1]
    return Recipe(
        mean=mean,
        std=std,
        channel_order=metadata.channel_order,  # type: ignore[arg-type]
        resizing=Resizing(metadata.short_side, metadata.long_side, metadata.stretched_hw),
        size_multiple=metadata.size_multiple,
        resize_rule=metadata.resize_rule,
        class_names=metadata.class_names,
        palette_rgb=metadata.palette_rgb,
    )
