"""Preprocessing inside the file: bytes in, as cameras and decoders give them.

An app in C++, Java or a browser then scales the image and hands its pixels over; means, standard
deviations, channel order and memory layout are the file's business.
"""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from ..metadata import ModelMetadata
from .options import ByteOrder
from .trace import INPUT

_NORMALIZED: Final = "normalized"
_NAME: Final = "preprocessing"


def embed_preprocessing(
    model: ModelProto, metadata: ModelMetadata, order: ByteOrder
) -> ModelProto:
    """Let the file take bytes and normalise them itself.

    The image is not scaled: the network's labels are as fine as what it is given. It is padded as
    before, with zeros after normalisation. The normalised numbers are those of
    `runtime.inference.preprocessing` to the last bit. An int8 file needs that: what lies between
    two integers is rounded to one or the other, and 1 % of the labels of noisy images move.

    Args:
        model: An exported model with a normalised float32 input (batch, 3, height, width).
        metadata: Its means and standard deviations, and the order of its channels.
        order: Order of the channels that the file shall take; a fourth one is left out.

    Returns:
        A new model whose input, of the same name, is uint8 (batch, height, width, 3 or 4).
    """
    embedded = ModelProto()
    embedded.CopyFrom(model)
    graph = embedded.graph
    (image,) = (value for value in graph.input if value.name == INPUT)
    batch, _, height, width = (
        dim.dim_param or dim.dim_value for dim in image.type.tensor_type.shape.dim
    )
    image.CopyFrom(
        helper.make_tensor_value_info(INPUT, TensorProto.UINT8, [batch, height, width, len(order)])
    )
    for node in graph.node:
        for index, name in enumerate(node.input):
            if name == INPUT:
                node.input[index] = _NORMALIZED

    nodes = [_node("Transpose", [INPUT], perm=[0, 3, 1, 2])]
    if order != metadata.channel_order:
        # Moves bytes, a quarter of what it would be after the conversion; turning the first
        # convolution's weights round instead would cost nothing, but sum in another order.
        channels = np.array([order.index(color) for color in metadata.channel_order], np.int64)
        graph.initializer.append(numpy_helper.from_array(channels, f"{_NAME}.order"))
        nodes.append(_node("Gather", [nodes[-1].output[0], f"{_NAME}.order"], axis=1))
    nodes.append(_node("Cast", [nodes[-1].output[0]], to=TensorProto.FLOAT))
    # BatchNormalization would do both in one pass, 0.3 ms faster, but errs in the last bit.
    for operator, values in (("Sub", metadata.mean_rgb), ("Div", metadata.std_rgb)):
        name = f"{_NAME}.{operator}"
        in_order = values if metadata.channel_order == "rgb" else values[::-1]
        constant = np.array(in_order, np.float32).reshape(1, -1, 1, 1)
        graph.initializer.append(numpy_helper.from_array(constant, name))
        nodes.append(_node(operator, [nodes[-1].output[0], name]))
    nodes[-1].output[0] = _NORMALIZED
    nodes.extend(graph.node)
    del graph.node[:]
    graph.node.extend(nodes)
    return embedded


def _node(operator: str, inputs: Sequence[str], **attributes: Any) -> NodeProto:
    name = f"{_NAME}/{operator}"
    return helper.make_node(operator, inputs, [name], name, **attributes)
