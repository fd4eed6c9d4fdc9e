"""How accurate a model is, on labelled images of your own or of a public data set."""

from .confusion import ConfusionMatrix
from .datasets import LabelledImage, find_ade20k, find_cityscapes, find_labelled_images
from .evaluating import Evaluation, ModelScore, Segmenter, evaluate
from .label_coding import LabelCoding

__all__ = [
    "ConfusionMatrix",
    "Evaluation",
    "LabelCoding",
    "LabelledImage",
    "ModelScore",
    "Segmenter",
    "evaluate",
    "find_ade20k",
    "find_cityscapes",
    "find_labelled_images",
]
