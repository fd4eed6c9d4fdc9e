"""Measurements of networks of other origins: ``python -m benchmarks``.

Part of the repository, not of the installed package. Needs the extra ``benchmarks``.
"""
