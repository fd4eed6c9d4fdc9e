"""Recognition of the slow end of a segmentation network: all classes enlarged, then the best."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from math import log
from typing import Final, TypeAlias

import numpy as np
from onnx import ModelProto, NodeProto

from ...errors import ExportError
from ...quoting import brief
from .graph_index import GraphIndex, attribute

Layout: TypeAlias = tuple[int, int, int, int]
"""Axes of a tensor that are batch, classes, height and width."""

NCHW: Final[Layout] = (0, 1, 2, 3)
NHWC: Final[Layout] = (0, 3, 1, 2)

RULES: Final = ("half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric")
"""Coordinate transformations of Resize that are understood."""

_MAX_RESIZES: Final = 2
_OF_LABELS: Final = frozenset(
    {"Cast", "Identity", "Squeeze", "Unsqueeze", "Reshape", "Slice", "Transpose", "Flatten"}
)
"""What may come after ArgMax. It stays as it is."""

_MONOTONE: Final = frozenset({"Softmax", "LogSoftmax", "Sigmoid", "HardSigmoid"})
_SAME: Final = frozenset({"Cast", "Identity", "Dropout"})
_THRESHOLDS: Final = frozenset({"Greater", "GreaterOrEqual"})


@dataclass(frozen=True)
class Resize:
    """One bilinear enlargement.

    Attributes:
        node: The node.
        layout: Of what it takes and gives.
        rule: One of `RULES`.
        ratio: Grid points and the pixels they become, where a stored scale says that and no size.
    """

    node: NodeProto
    layout: Layout
    rule: str
    ratio: tuple[int, int] | None

    @property
    def source(self) -> str:
        """The tensor that is enlarged."""
        return str(self.node.input[0])

    @property
    def enlarged(self) -> str:
        """The tensor that it becomes."""
        return str(self.node.output[0])


@dataclass(frozen=True)
class End:
    """The end of a network, from coarse scores to labels.

    Attributes:
        labels: The tensor of class ids to be computed otherwise, as ArgMax gives it.
        layout: Of the tensor that ArgMax takes.
        keeps_axis: Whether the axis of the classes stays, with length 1.
        resizes: One, or two in a row.
        crops: Nodes that cut something off after the enlargement and before ArgMax.
        threshold: Of scores of one class, the number above which a pixel is of it; else None.
    """

    labels: str
    layout: Layout
    keeps_axis: bool
    resizes: tuple[Resize, ...]
    crops: tuple[NodeProto, ...] = ()
    threshold: float | None = None

    @property
    def coarse(self) -> str:
        """The tensor of coarse scores."""
        return self.resizes[0].source

    @property
    def full(self) -> str:
        """The tensor of enlarged scores."""
        return self.resizes[-1].enlarged


def find_end(model: ModelProto, output: str) -> End:
    """Find the end of a network that gives class ids.

    Args:
        model: The model, with the shapes that could be inferred.
        output: The output of class ids.

    Raises:
        ExportError: It ends in another way; says in which node.
    """
    index = GraphIndex(model)
    best = _decision(index, output)
    threshold = None
    if best.op_type in _THRESHOLDS:
        limit = index.constant(best.input[1])
        if limit is None or limit.size != 1:
            raise _unknown("a threshold that is stored", best)
        threshold = float(limit.reshape(()))
        layout, keeps_axis = _one_channel(index, best), True
    else:
        layout, keeps_axis = _of_classes(index, best)
    return _Walk(index, layout).back(
        best.input[0], End(best.output[0], layout, keeps_axis, (), threshold=threshold)
    )


def decides(model: ModelProto, output: str) -> bool:
    """Return whether an output is class ids that ArgMax or a comparison gives."""
    try:
        _decision(GraphIndex(model), output)
    except ExportError:
        return False
    return True


def _decision(index: GraphIndex, output: str) -> NodeProto:
    for node in _upwards(index, output):
        if node.op_type == "ArgMax" or node.op_type in _THRESHOLDS:
            return node
        if node.op_type not in _OF_LABELS:
            raise _unknown("ArgMax over classes", node)
    raise ExportError(
        f"expected class ids out of ArgMax, found {brief(output)}, which is no node's"
    )


def _upwards(index: GraphIndex, name: str) -> Iterator[NodeProto]:
    """Follow first inputs. Sorted graphs have no cycles, so that this has an end."""
    node = index.maker(name)
    while node is not None:
        yield node
        node = index.maker(node.input[0]) if node.input else None


def _of_classes(index: GraphIndex, node: NodeProto) -> tuple[Layout, bool]:
    rank = index.rank(node.input[0]) or 4
    axis = attribute(node, "axis", 0) % rank
    layouts = {1: NCHW, 3: NHWC}
    if rank != 4 or axis not in layouts:
        raise ExportError(
            f"expected ArgMax over the classes of (batch, classes, height, width) or (batch, "
            f"height, width, classes), found axis {axis} of {rank} in {_named(node)}"
        )
    return layouts[axis], bool(attribute(node, "keepdims", 1))


def _one_channel(index: GraphIndex, node: NodeProto) -> Layout:
    dims = index.dims(node.input[0])
    for layout in (NCHW, NHWC):
        if len(dims) == 4 and dims[layout[1]] == 1:
            return layout
    raise _unknown("a threshold of one channel (batch, 1, height, width)", node)


class _Walk:
    """From the decision back to the coarse scores."""

    def __init__(self, index: GraphIndex, layout: Layout) -> None:
        self._index = index
        self._layout = layout

    def back(self, name: str, end: End) -> End:
        node = self._index.maker(name)
        while node is not None:
            kind = node.op_type
            if kind == "Resize" and len(end.resizes) < _MAX_RESIZES:
                end = replace(end, resizes=(self._resize(node), *end.resizes))
            elif end.resizes and kind not in _SAME:
                break  # what is between two enlargements would have to be computed
            elif kind == "Slice":
                end = replace(end, crops=(node, *end.crops))
            elif kind == "Transpose":
                self._turn(node)
            elif kind == "Cast":
                if not self._index.is_float(node.input[0]):
                    break
            elif kind in _MONOTONE:
                if not self._keeps_order(node):
                    break
                if end.threshold is not None:
                    end = replace(end, threshold=_before_sigmoid(node, end.threshold))
            elif kind not in _SAME:
                break
            name, node = str(node.input[0]), self._index.maker(node.input[0])
        if not end.resizes:
            where = "the input" if node is None else _named(node)
            raise ExportError(
                f"expected all classes to be enlarged by Resize before the best is taken, found "
                f"{where}: there are no coarse scores to label from, and nothing to be gained"
            )
        if end.crops and (end.layout != NCHW or end.resizes[-1].layout != NCHW):
            raise _unknown("Slice of (batch, classes, height, width)", end.crops[0])
        return end

    def _turn(self, node: NodeProto) -> None:
        order = attribute(node, "perm", [3, 2, 1, 0])
        if len(order) != 4:
            raise _unknown("Transpose of four axes", node)
        batch, classes, height, width = (order[axis] for axis in self._layout)
        self._layout = batch, classes, height, width

    def _keeps_order(self, node: NodeProto) -> bool:
        """Return whether the best class stays the best."""
        if node.op_type in ("Sigmoid", "HardSigmoid"):
            return True
        return bool(attribute(node, "axis", -1) % 4 == self._layout[1])

    def _resize(self, node: NodeProto) -> Resize:
        index, layout = self._index, self._layout
        mode = attribute(node, "mode", "nearest")
        if mode != "linear":
            raise _unknown("a bilinear Resize", node, f"one of mode {brief(mode)}")
        rule = attribute(node, "coordinate_transformation_mode", "half_pixel")
        if rule not in RULES:
            raise _unknown(f"a Resize by {', '.join(RULES)}", node, f"one by {brief(rule)}")
        policy = attribute(node, "keep_aspect_ratio_policy", "stretch")
        if policy != "stretch":
            raise _unknown("a Resize to a size", node, f"one that is {brief(policy)}")
        if attribute(node, "axes", None) is not None:
            raise _unknown("a Resize of all axes", node, "one with the attribute axes")
        scales = index.constant(node.input[2]) if len(node.input) > 2 else None
        ratio = None
        if scales is not None and scales.size == 4:
            if any(scales[axis] != 1 for axis in layout[:2]):
                raise _unknown("a Resize of height and width", node, f"scales {scales.tolist()}")
            down, across = (float(scales[axis]) for axis in layout[2:])
            if not 1 <= down == across <= 1 << 10:
                raise _unknown("one scale above 1 for height and width", node, f"{down}, {across}")
            scale = Fraction(float(np.float32(down)))
            ratio = scale.denominator, scale.numerator
        return Resize(node, layout, rule, ratio)


def _before_sigmoid(node: NodeProto, threshold: float) -> float:
    if node.op_type != "Sigmoid" or not 0 < threshold < 1:
        raise _unknown("one class by Sigmoid and a threshold between 0 and 1", node)
    return log(threshold / (1 - threshold))


def _unknown(expected: str, node: NodeProto, found: str = "") -> ExportError:
    return ExportError(
        f"expected {expected}, found {f'{found} in ' if found else ''}{_named(node)}"
    )


def _named(node: NodeProto) -> str:
    return f"{node.op_type} {brief(node.name or (node.output[0] if node.output else ''))}"
