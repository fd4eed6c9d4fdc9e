"""The file that is grafted: read within bounds, brought to one form, and run on examples."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import log
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import (
    GraphProto,
    ModelProto,
    NodeProto,
    TensorProto,
    helper,
    inliner,
    numpy_helper,
    version_converter,
)

from ...agreement import ComparisonSession, drawn_picture, noisy_batch
from ...errors import ExportError, ModelError
from ...metadata import DEFAULT_THRESHOLD
from ...quoting import brief
from ...runtime.inference.model_output import LOGITS
from ...runtime.inference.onnx_file import check_model_file
from ...runtime.inference.ort_session import first_line
from ...types import SizeHW
from ..options import OPSETS
from .ends import NCHW, NHWC, Layout, decides
from .graph_index import GraphIndex, rename

LEAST_OPSET: Final = OPSETS.start
"""Files of lower opsets are converted to this one."""

OUTPUT: Final = "output"
_MAX_SIDE: Final = 4096
_DYNAMIC_HW: Final = ((256, 320), (128, 192))
_DTYPES: Final[Mapping[int, type[np.generic]]] = {
    TensorProto.FLOAT: np.float32,
    TensorProto.FLOAT16: np.float16,
    TensorProto.UINT8: np.uint8,
}
_OURS: Final = "appended/"
# About those of photographs.
_MEAN: Final = np.float32(115)
_STD: Final = np.float32(58)


@dataclass(frozen=True)
class ImageInput:
    """The one input of the network: images.

    Attributes:
        name: Of the input.
        dtype: Type of its elements.
        is_nhwc: Whether channels come last.
        channels: How many there are.
        batch: How many images; None for any number.
        fixed_hw: The only height and width that it takes; None for any.
    """

    name: str
    dtype: "np.dtype[Any]"
    is_nhwc: bool
    channels: int
    batch: int | None
    fixed_hw: SizeHW | None

    @classmethod
    def of(cls, model: ModelProto) -> "ImageInput":
        """Read it.

        Raises:
            ExportError: There are others, or it takes no images.
        """
        stored = {tensor.name for tensor in model.graph.initializer}
        inputs = [each for each in model.graph.input if each.name not in stored]
        index = GraphIndex(model)
        found = ", ".join(f"{brief(each.name)} {index.dims(each.name)}" for each in inputs)
        mismatch = ExportError(
            "expected one input of images, (batch, channels, height, width) or (batch, height, "
            f"width, channels), float32, float16 or uint8, found {found or 'none'}"
        )
        kind = _DTYPES.get(index.element_type(inputs[0].name)) if len(inputs) == 1 else None
        if kind is None or len(index.dims(inputs[0].name)) != 4:
            raise mismatch
        name = inputs[0].name
        dims = [each if isinstance(each, int) and each > 0 else None for each in index.dims(name)]
        is_nhwc = dims[1] not in (1, 3, 4) and dims[3] in (1, 3, 4)
        channels = dims[3] if is_nhwc else dims[1] or 3
        height, width = dims[1:3] if is_nhwc else dims[2:]
        if channels is None or channels > 64 or (height is None) != (width is None):
            raise mismatch
        fixed = None if height is None or width is None else (height, width)
        if fixed is not None and max(fixed) > _MAX_SIDE:
            raise ExportError(
                f"expected an input of at most {_MAX_SIDE}x{_MAX_SIDE}, found "
                f"{fixed[0]}x{fixed[1]}"
            )
        return cls(name, np.dtype(kind), is_nhwc, channels, dims[0], fixed)

    def example(self, size_hw: SizeHW, seed: int = 0) -> NDArray[Any]:
        """Make an input of smooth regions under noise.

        Args:
            size_hw: Its height and width, the fixed ones where there are any.
            seed: Another seed gives other numbers.
        """
        return self._of_planes(noisy_batch(self.fixed_hw or size_hw, self.batch or 1, seed))

    def picture(self, size_hw: SizeHW) -> NDArray[Any]:
        """Draw an input with fewer details than noise has, as a photograph.

        Args:
            size_hw: Its height and width.
        """
        pixels = drawn_picture(size_hw).astype(np.float32).transpose(2, 0, 1)
        planes = (pixels - _MEAN) / _STD
        return self._of_planes(np.broadcast_to(planes, (self.batch or 1, *planes.shape)))

    def _of_planes(self, planes: NDArray[np.float32]) -> NDArray[Any]:
        image = np.resize(planes, (len(planes), self.channels, *planes.shape[2:]))
        if self.dtype == np.uint8:
            image = np.clip(image * _STD + _MEAN, 0, 255)
        image = image.transpose(0, 2, 3, 1) if self.is_nhwc else image
        return np.ascontiguousarray(image.astype(self.dtype))


@dataclass(frozen=True)
class Source:
    """A network that gives class ids.

    Attributes:
        path: The file.
        model: What is in it, with shapes inferred, and with what makes class ids of its scores.
        image: Its input.
        output: The output of class ids.
        gave: What the file's own output is: ``"labels"``, ``"scores"`` (of each pixel), or
            ``"coarse scores"``.
        notes: What was done to it, a sentence each.
    """

    path: Path
    model: ModelProto
    image: ImageInput
    output: str
    gave: str
    notes: tuple[str, ...]

    @property
    def opset(self) -> int:
        """Version of the standard operators."""
        return opset_of(self.model)

    def run(
        self, names: Sequence[str], image: NDArray[Any], *, model: ModelProto | None = None
    ) -> list[NDArray[Any]]:
        """Compute some tensors of the network.

        Raises:
            ExportError: ONNX Runtime cannot.
        """
        shown = _showing(model or self.model, names)
        session = opened(shown, self.path.name)
        return session.run(list(names), {self.image.name: image})


def read_source(path: Path, threshold: float | None) -> Source:
    """Read a file of any origin.

    Args:
        path: An ONNX file.
        threshold: Of a file that gives scores of one class: the probability above which a pixel
            is of it.

    Raises:
        ModelError: There is no such file, it is no ONNX file, or it reads others than it may.
        ExportError: It is no segmentation network.
    """
    model = _loaded(path)
    notes = []
    if model.functions:
        model = inliner.inline_local_functions(model)
    opset = opset_of(model)
    if opset < LEAST_OPSET:
        try:
            model = version_converter.convert_version(model, LEAST_OPSET)
        except Exception as error:  # the converter raises whatever its C++ side throws
            raise ExportError(
                f"expected opset {LEAST_OPSET} or newer, found {opset}, which ONNX cannot "
                f"convert: {first_line(error)}"
            ) from error
        notes.append(f"converted from opset {opset} to {LEAST_OPSET} by ONNX's own converter")
    model = _inferred(model)
    image = ImageInput.of(model)
    outputs = [each.name for each in model.graph.output]
    output, gave = outputs[0], "labels"
    # These are the names of what the grafted file gives.
    is_decided = decides(model, output) or not GraphIndex(model).is_float(output)
    new = rename(model, (LOGITS,) if is_decided else (LOGITS, OUTPUT))
    output = new.get(output, output)
    if not is_decided:
        model, output, gave = _completed(model, image, output, path, threshold)
    if len(outputs) > 1:
        left = ", ".join(map(brief, outputs[1:]))
        notes.append(f"outputs beside the first one are left out: {left}")
    kept = [each for each in model.graph.output if each.name == output]
    del model.graph.output[:]
    model.graph.output.extend(kept)
    return Source(path, _inferred(model), image, output, gave, tuple(notes))


def opset_of(model: ModelProto) -> int:
    """Return the version of the standard operators."""
    versions = [each.version for each in model.opset_import if each.domain in ("", "ai.onnx")]
    return int(max(versions, default=0))


def opened(model: ModelProto, name: str) -> ComparisonSession:
    """Open a model that is in memory.

    Raises:
        ExportError: ONNX Runtime cannot.
    """
    try:
        return ComparisonSession(model.SerializeToString(), name)
    except (ModelError, ValueError) as error:  # protobuf holds no more than 2 GB
        raise ExportError(f"cannot run {name}: {error}") from error


def _showing(model: ModelProto, names: Sequence[str]) -> ModelProto:
    shown = ModelProto()
    shown.CopyFrom(model)
    have = {each.name for each in shown.graph.output}
    shown.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names if name not in have)
    return shown


def _loaded(path: Path) -> ModelProto:
    if check_model_file(str(path)) is None:
        raise ModelError(
            f"cannot read {path}: expected an ONNX file, found ONNX Runtime's own format"
        )
    try:
        model = onnx.load_model(path)
        onnx.checker.check_model(model)
    except Exception as error:  # protobuf's own errors differ between its releases
        raise ModelError(
            f"cannot read {path}: expected an ONNX file ({first_line(error)})"
        ) from error
    if not model.graph.output:
        raise ModelError(f"cannot read {path}: expected an ONNX file, found one without outputs")
    return model


def _inferred(model: ModelProto) -> ModelProto:
    try:
        return onnx.shape_inference.infer_shapes(model, data_prop=True)
    except Exception:  # of a valid graph that the inference does not understand
        return model


def _completed(
    model: ModelProto, image: ImageInput, output: str, path: Path, threshold: float | None
) -> tuple[ModelProto, str, str]:
    """Let a network of scores give class ids: enlarged to the size of its input, and the best."""
    scores = _scores(model, image, output, path)
    model, graph = scores.model, scores.model.graph
    nodes, name = [], output
    if scores.is_coarse:
        nodes += list(_enlarging(graph, image, output, scores.layout))
        name = nodes[-1].output[0]
    labels = OUTPUT
    if scores.channels > 1:
        axis = scores.layout[1]
        nodes.append(helper.make_node("ArgMax", [name], [labels], f"{_OURS}ArgMax", axis=axis))
    else:
        probability = DEFAULT_THRESHOLD if threshold is None else threshold
        limit = probability if scores.is_sigmoid else log(probability / (1 - probability))
        stored = np.array(limit, np.float16 if scores.dtype == np.float16 else np.float32)
        graph.initializer.append(numpy_helper.from_array(stored, f"{_OURS}threshold"))
        above = f"{_OURS}above"
        nodes += [
            helper.make_node("Greater", [name, f"{_OURS}threshold"], [above], f"{_OURS}Greater"),
            helper.make_node("Cast", [above], [labels], f"{_OURS}Cast", to=TensorProto.INT64),
        ]
    graph.node.extend(nodes)
    graph.output.append(
        helper.make_tensor_value_info(labels, TensorProto.INT64, ["N", "C", "H", "W"])
    )
    return model, labels, "coarse scores" if scores.is_coarse else "scores"


@dataclass(frozen=True)
class _Scores:
    model: ModelProto
    layout: Layout
    channels: int
    is_coarse: bool
    is_sigmoid: bool
    dtype: "np.dtype[Any]"


def _scores(model: ModelProto, image: ImageInput, output: str, path: Path) -> _Scores:
    example = image.example(_DYNAMIC_HW[0])
    found = np.asarray(opened(model, path.name).run([output], {image.name: example})[0])
    mismatch = ExportError(
        f"expected scores (batch, classes, height, width) or class ids, found "
        f"{brief(output)} of {found.shape}, {found.dtype}"
    )
    if found.ndim != 4 or found.dtype.kind != "f":
        raise mismatch
    height, width = example.shape[1:3] if image.is_nhwc else example.shape[2:]
    for layout in (NCHW, NHWC):
        down, across = found.shape[layout[2]], found.shape[layout[3]]
        # Rounded up, as strides do.
        stride = -(-height // down)
        if down <= height and -(-width // stride) == across:
            last = GraphIndex(model).maker(output)
            kind = last.op_type if last is not None else ""
            return _Scores(
                _copied(model),
                layout,
                found.shape[layout[1]],
                is_coarse=down < height,
                is_sigmoid=kind in ("Sigmoid", "HardSigmoid"),
                dtype=found.dtype,
            )
    raise mismatch


def _enlarging(
    graph: GraphProto, image: ImageInput, output: str, layout: Layout
) -> Iterator[NodeProto]:
    """Yield the nodes that enlarge scores to the size of the input, with centres aligned."""
    image_hw = (1, 2) if image.is_nhwc else (2, 3)
    # Batch and channels from the scores, height and width from the image, in the scores' order.
    order = [0, 1, 2, 3]
    for axis, source in zip(layout[2:], image_hw, strict=True):
        order[axis] = 4 + source
    graph.initializer.append(numpy_helper.from_array(np.array(order), f"{_OURS}order"))
    shapes = [f"{_OURS}scores_shape", f"{_OURS}image_shape"]
    yield helper.make_node("Shape", [output], [shapes[0]], f"{_OURS}Shape_0")
    yield helper.make_node("Shape", [image.name], [shapes[1]], f"{_OURS}Shape_1")
    yield helper.make_node("Concat", shapes, [f"{_OURS}both"], f"{_OURS}Concat", axis=0)
    both = [f"{_OURS}both", f"{_OURS}order"]
    yield helper.make_node("Gather", both, [f"{_OURS}sizes"], f"{_OURS}Gather")
    yield helper.make_node(
        "Resize",
        [output, "", "", f"{_OURS}sizes"],
        [f"{_OURS}enlarged"],
        f"{_OURS}Resize",
        mode="linear",
        coordinate_transformation_mode="half_pixel",
    )


def _copied(model: ModelProto) -> ModelProto:
    copy = ModelProto()
    copy.CopyFrom(model)
    return copy
