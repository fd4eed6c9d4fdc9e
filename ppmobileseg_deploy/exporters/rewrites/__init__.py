"""Rewrites of the network for export: modules that compute the same and run faster.

The network itself stays as the paper has it. Each rewritten module is made from one of its own.
"""

from .network import lean

__all__ = ["lean"]
