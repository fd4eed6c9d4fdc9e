"""Export-time rewrites: the same function as the network, in a form that runs faster.

The network stays as the paper has it. Each rewrite is a module that is made from one of the
network's and computes the same.
"""

from .network import lean

__all__ = ["lean"]
