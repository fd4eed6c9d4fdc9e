"""Evaluation of models on labelled images: mIoU, accuracy, latency and agreement."""

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
