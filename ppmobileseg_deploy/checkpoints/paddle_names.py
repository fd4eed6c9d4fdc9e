"""PaddleSeg's names of the network's weights, and open-mmlab's for them."""

import re
from typing import Final

_RULES: Final = [
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"\.c\.(?=weight$)", ".conv."),
        (r"\.mid_se\.conv([12])\.", r".mid_se.conv_act\1.conv."),
        (r"\.stride_conv\.0\.", ".stride_conv.conv."),
        (r"\.stride_conv\.1\.", ".stride_conv.bn."),
        # Index 0 is the activation before the convolution.
        (r"\.(proj|proj_encode_row|proj_encode_column)\.1\.", r".\1."),
        (r"\.mlp\.dwconv\.(?=(weight|bias)$)", ".mlp.dwconv.conv."),
        (r"\._mean$", ".running_mean"),
        (r"\._variance$", ".running_var"),
    )
]


def openmmlab_key(paddle_key: str) -> str:
    """Return the name that open-mmlab's checkpoints have for one of PaddleSeg's.

    Shapes are equal under both names; nothing is transposed.
    """
    for pattern, replacement in _RULES:
        paddle_key = pattern.sub(replacement, paddle_key)
    return paddle_key
