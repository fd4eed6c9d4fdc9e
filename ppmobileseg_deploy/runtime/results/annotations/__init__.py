"""Annotations: results in the formats of tools that people label images with."""
