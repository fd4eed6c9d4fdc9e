"""Measures every speed in the documentation and holds it to a target: ``python -m speed_targets``.

Part of the repository, not of the installed package, whose `benchmarking` it uses.
"""
