"""The new end in place of the old one."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from ...runtime.inference.model_output import LOGITS
from .ends import NCHW, End, Resize
from .graph_index import keep, needed_nodes
from .head import LABELS, SCORES, SIZES
from .source import Source

PREFIX: Final = "graft/"
_LEAST_IR_VERSION: Final = 8
_NARROW: Final = "narrow"


def attach(source: Source, end: End, head: ModelProto, *, logits: bool) -> ModelProto:
    """Put a head in place of a network's end.

    What comes after the labels stays as it is, and so do the names of inputs and outputs.

    Args:
        source: The network.
        end: Its end.
        head: What `graft_head` made.
        logits: Whether the coarse scores become a second output, ``logits``.
    """
    model = ModelProto()
    model.CopyFrom(source.model)
    model.ir_version = max(model.ir_version, _LEAST_IR_VERSION)
    graph = model.graph
    nodes: list[NodeProto] = []
    for node in graph.node:
        if end.labels in node.output:
            nodes += _new_end(model, end, head, logits=logits)
        else:
            nodes.append(node)
    del graph.node[:]
    graph.node.extend(nodes)
    if logits:
        shape: list[str | int | None] = ["batch", _channels(head), "logits_height", "logits_width"]
        graph.output.append(helper.make_tensor_value_info(LOGITS, TensorProto.FLOAT, shape))
    keep(model, needed_nodes(graph, [output.name for output in graph.output]))
    return model


def _channels(head: ModelProto) -> int:
    (scores,) = (each for each in head.graph.input if each.name == SCORES)
    return int(scores.type.tensor_type.shape.dim[1].dim_value)


def _new_end(
    model: ModelProto, end: End, head: ModelProto, *, logits: bool
) -> Iterator[NodeProto]:
    graph = model.graph

    def stored(name: str, numbers: Sequence[float], dtype: type = np.int64) -> str:
        full = f"{PREFIX}{name}"
        graph.initializer.append(numpy_helper.from_array(np.array(numbers, dtype), full))
        return full

    def node(kind: str, inputs: Sequence[str], name: str, **attributes: Any) -> NodeProto:
        return helper.make_node(
            kind, list(inputs), [f"{PREFIX}{name}"], f"{PREFIX}{name}/{kind}", **attributes
        )

    # Scores as the head takes them.
    first = end.resizes[0]
    cast = node("Cast", [end.coarse], "float", to=TensorProto.FLOAT)
    yield cast
    scores = cast.output[0]
    if first.layout != NCHW:
        turned = node("Transpose", [scores], "channels_first", perm=list(first.layout))
        yield turned
        scores = turned.output[0]
    if logits:
        yield helper.make_node("Identity", [scores], [LOGITS], f"{PREFIX}{LOGITS}/Identity")
        scores = LOGITS

    # The sizes that the enlargements have, where they vary.
    names = {SCORES: scores}
    takes = {each.name for each in head.graph.input}
    for number, resize in enumerate(end.resizes):
        if SIZES.format(number) in takes:
            made = list(_sizes(resize, number, node, stored))
            yield from made
            names[SIZES.format(number)] = made[-1].output[0]

    # The head itself.
    for each in head.graph.initializer:
        graph.initializer.add().CopyFrom(each)
        graph.initializer[-1].name = PREFIX + each.name
    for each in head.graph.node:
        copy = NodeProto()
        copy.CopyFrom(each)
        copy.name = PREFIX + each.name.lstrip("/")
        for part in (copy.input, copy.output):
            for place, name in enumerate(part):
                if name:
                    part[place] = names.get(name, PREFIX + name)
        yield copy
    labels = PREFIX + LABELS

    # And labels as ArgMax gives them.
    for number, crop in enumerate(end.crops):
        copy = node("Slice", [labels, *crop.input[1:]], f"cut_{number}")
        yield copy
        labels = copy.output[0]
    if not end.keeps_axis:
        flat = node("Squeeze", [labels, stored("classes_axis", [1])], "flat")
        yield flat
        labels = flat.output[0]
    elif end.layout != NCHW:
        # Back from (batch, 1, height, width).
        order = [end.layout.index(axis) for axis in range(4)]
        turned = node("Transpose", [labels], "channels_last", perm=order)
        yield turned
        labels = turned.output[0]
    to = TensorProto.INT64 if end.threshold is None else TensorProto.BOOL
    yield helper.make_node("Cast", [labels], [end.labels], f"{PREFIX}labels/Cast", to=to)


def _sizes(
    resize: Resize, number: int, node: Callable[..., NodeProto], stored: Callable[..., str]
) -> Iterator[NodeProto]:
    """Yield nodes of which the last gives the height and width that an enlargement makes."""
    axes = stored(f"axes_{number}", resize.layout[2:])
    inputs = resize.node.input
    if len(inputs) > 3 and inputs[3]:
        yield node("Gather", [inputs[3], axes], f"size_{number}")
        return
    shape = node("Shape", [resize.source], f"shape_{number}")
    grid = node("Gather", [shape.output[0], axes], f"grid_{number}")
    exact = node("Cast", [grid.output[0]], f"exact_{number}", to=TensorProto.FLOAT)
    scales = node("Gather", [inputs[2], axes], f"scales_{number}")
    scaled = node("Mul", [exact.output[0], scales.output[0]], f"scaled_{number}")
    whole = node("Floor", [scaled.output[0]], f"whole_{number}")
    yield from (shape, grid, exact, scales, scaled, whole)
    yield node("Cast", [whole.output[0]], f"size_{number}", to=TensorProto.INT64)


def old_end_inputs(source: Source, end: End) -> list[str]:
    """Return what a network's own end takes: the coarse scores, then what tells it the sizes."""
    graph = source.model.graph
    given = [end.coarse]
    own = {end.coarse, *(resize.enlarged for resize in end.resizes)}
    while True:
        nodes = needed_nodes(graph, [end.labels], given)
        made = {name for each in nodes for name in each.output} - own
        # Not what they are computed from: of these tensors only the shapes count.
        looked_at = {each.input[0] for each in nodes if each.op_type == "Shape"} & made
        if not looked_at:
            used = {name for each in nodes for name in each.input}
            return given + [source.image.name] * (source.image.name in used)
        given += sorted(looked_at)


def old_end(source: Source, end: End, takes: Mapping[str, "np.dtype[Any]"]) -> ModelProto:
    """Return a network's own end as a model that gives the labels and the enlarged scores.

    Args:
        source: The network.
        end: Its end.
        takes: Types of `old_end_inputs`.
    """
    model = ModelProto()
    model.CopyFrom(source.model)
    graph = model.graph
    nodes = needed_nodes(graph, [end.labels], list(takes))
    del graph.input[:]
    for name, dtype in takes.items():
        kind = helper.np_dtype_to_tensor_dtype(dtype)
        graph.input.append(helper.make_tensor_value_info(name, kind, None))
    del graph.output[:]
    for name in (end.labels, end.full):
        graph.output.append(helper.make_empty_tensor_value_info(name))
    keep(model, nodes)
    return model
