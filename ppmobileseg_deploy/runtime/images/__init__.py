"""Encoded files and arrays to upright BGR images."""
