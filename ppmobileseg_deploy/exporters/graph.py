"""Clean-up of a traced graph: simpler, checked, and the same bytes every time."""

from collections.abc import Iterable
from typing import Final

import onnx
import onnxsim
from onnx import ModelProto, ValueInfoProto, helper

from ..errors import ExportError
from ..metadata import ModelMetadata
from .options import ExportOptions
from .trace import INPUT, LOGITS, OUTPUT

_PRODUCER: Final = "ppmobileseg_deploy"
_STANDARD_DOMAINS: Final = {"", "ai.onnx"}


def simplify(model: ModelProto) -> ModelProto:
    """Fold constants and remove redundant operators with onnxsim.

    Args:
        model: A traced model.

    Returns:
        A new model with the same inputs, outputs and named dimensions.

    Raises:
        ExportError: onnxsim failed, or a dynamic dimension was lost.
    """
    try:
        simplified: ModelProto
        # That pass of onnxsim 0.8.1 breaks the labels of static shapes whose padding is not zero.
        simplified, _ = onnxsim.simplify(model, skipped_optimizers=["fuse_pad_into_conv"])
    except Exception as error:  # onnxsim raises whatever its C++ side throws
        raise ExportError(f"onnxsim cannot simplify the graph: {error}") from error
    before, after = ([_dims(value) for value in each.graph.input] for each in (model, simplified))
    if before != after:
        raise ExportError(f"onnxsim changed the input: expected {before}, found {after}")
    return simplified


def finalize(model: ModelProto, metadata: ModelMetadata, ir_version: int) -> ModelProto:
    """Make the file's contents depend on nothing but the weights and the options.

    Declares the output's shape, which inference cannot find out, and seals the model.

    Args:
        model: A traced, perhaps simplified model.
        metadata: What goes into ``metadata_props``.
        ir_version: ONNX IR version to write.

    Returns:
        A new model.

    Raises:
        ExportError: The checker rejects the model, or an operator is not a standard one.
    """
    final = ModelProto()
    final.CopyFrom(model)
    # Of coarse logits, labels are beside them until they are proven, see `shipped`.
    _declare_output(final, metadata.num_classes if metadata.output == "logits" else 1)
    return seal(final, metadata, ir_version)


def seal(model: ModelProto, metadata: ModelMetadata, ir_version: int) -> ModelProto:
    """Write the metadata, and nothing that depends on when, where or by which tool.

    Args:
        model: A model whose inputs and outputs are as they shall be.
        metadata: What goes into ``metadata_props``; nothing else stays there.
        ir_version: ONNX IR version to write.

    Returns:
        A new model.

    Raises:
        ExportError: The checker rejects the model, or an operator is not a standard one.
    """
    final = neutral(model, ir_version)
    # Sets the entries in the order of the mapping, which is that of the dataclass.
    helper.set_model_props(final, metadata.to_props())
    return final


def neutral(model: ModelProto, ir_version: int) -> ModelProto:
    """Remove what depends on when, where or by which tool a model was made, and check it.

    Args:
        model: A model whose inputs and outputs are as they shall be.
        ir_version: ONNX IR version to write.

    Returns:
        A new model without metadata.

    Raises:
        ExportError: The checker rejects the model, or an operator is not a standard one.
    """
    final = ModelProto()
    final.CopyFrom(model)
    final.ir_version = ir_version
    final.producer_name = _PRODUCER
    final.producer_version = ""
    final.doc_string = ""
    final.graph.name = _PRODUCER
    final.graph.doc_string = ""
    del final.metadata_props[:]
    del final.graph.value_info[:]
    for node in final.graph.node:
        node.doc_string = ""
    foreign = {node.domain for node in final.graph.node} - _STANDARD_DOMAINS
    if foreign:
        raise ExportError(f"expected standard ONNX operators only, found {sorted(foreign)}")
    # Tools declare domains that they might have used, and old runtimes refuse what is newer.
    standard = [each for each in final.opset_import if each.domain in _STANDARD_DOMAINS]
    del final.opset_import[:]
    final.opset_import.extend(standard)
    try:
        onnx.checker.check_model(final, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise ExportError(f"the ONNX checker rejects the graph: {error}") from error
    return final


def shipped(model: ModelProto, options: ExportOptions) -> ModelProto:
    """Return the model with the outputs that were asked for: the same graph.

    Args:
        model: A model with the outputs ``output`` and ``logits``.
        options: Which of them to keep.
    """
    final = ModelProto()
    final.CopyFrom(model)
    if options.coarse_logits:
        return _only_logits(final)
    if not options.second_output:
        kept = [output for output in final.graph.output if output.name != LOGITS]
        del final.graph.output[:]
        final.graph.output.extend(kept)
    return final


def _only_logits(model: ModelProto) -> ModelProto:
    """Leave the second output, and what it is computed from."""
    graph = model.graph
    needed, nodes = {LOGITS}, []
    for node in reversed(graph.node):
        if not needed.isdisjoint(node.output):
            needed.update(node.input)
            nodes.append(node)
    for field, kept in (
        (graph.node, nodes[::-1]),
        (graph.initializer, [each for each in graph.initializer if each.name in needed]),
        (graph.output, [each for each in graph.output if each.name == LOGITS]),
    ):
        copies = [type(each).FromString(each.SerializeToString()) for each in kept]
        del field[:]
        field.extend(copies)
    return model


def count_operators(model: ModelProto) -> dict[str, int]:
    """Return how often each operator occurs, most frequent first."""
    counts: dict[str, int] = {}
    for node in model.graph.node:
        counts[node.op_type] = counts.get(node.op_type, 0) + 1
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _declare_output(model: ModelProto, channels: int) -> None:
    """Give the output the input's batch, height and width, and its number of channels.

    Gathers of the classes present hide the sizes from shape inference, even where all are
    fixed.
    """
    source = _value(model.graph.input, INPUT).type.tensor_type.shape.dim
    target = _value(model.graph.output, OUTPUT).type.tensor_type.shape.dim
    for axis in (0, 2, 3):
        target[axis].CopyFrom(source[axis])
    target[1].dim_value = channels


def _value(values: Iterable[ValueInfoProto], name: str) -> ValueInfoProto:
    return next(value for value in values if value.name == name)


def _dims(value: ValueInfoProto) -> list[str | int]:
    return [dim.dim_param or dim.dim_value for dim in value.type.tensor_type.shape.dim]
