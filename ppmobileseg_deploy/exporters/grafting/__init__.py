"""Graft: the slow end of any segmentation network replaced by labels cell by cell."""

from .exchange import GraftReport, graft
from .proof import Proof

__all__ = ["GraftReport", "Proof", "graft"]
