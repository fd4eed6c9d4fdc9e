"""Agreement of two models: synthetic inputs, sessions, and measures of logits and labels.

The export proof, the search for int8 layers, ``ppms-verify`` and ``ppms-eval`` all measure with
what is here, so that "99.9 % of labels equal" means the same in each of them. What they require is
their own. Nothing here needs PyTorch or onnx.
"""

from .labels import LabelAgreement, away_from_edges, clearly_wrong, equal_share
from .logits import Float64Errors, LogitDifference, largest_difference
from .session import ComparisonSession
from .synthetic import drawn_picture, flat, gradients, noisy_batch, noisy_images, smooth_logits

__all__ = [
    "ComparisonSession",
    "Float64Errors",
    "LabelAgreement",
    "LogitDifference",
    "away_from_edges",
    "clearly_wrong",
    "drawn_picture",
    "equal_share",
    "flat",
    "gradients",
    "largest_difference",
    "noisy_batch",
    "noisy_images",
    "smooth_logits",
]
