"""Notebooks: whether one is running, and pictures displayed below its cells."""

import sys
from importlib import import_module


def is_running() -> bool:
    """Return whether this is the kernel of a notebook (Jupyter, Colab and the like).

    IPython in a terminal has no kernel: it displays no pictures.
    """
    ipython = sys.modules.get("IPython")  # a kernel has loaded it
    shell = None if ipython is None else ipython.get_ipython()
    return getattr(shell, "kernel", None) is not None


def display_png(png: bytes) -> None:
    """Display a picture below the cell that runs.

    Args:
        png: A PNG file.
    """
    ipython_display = import_module("IPython.display")
    ipython_display.display(ipython_display.Image(data=png, format="png"))
