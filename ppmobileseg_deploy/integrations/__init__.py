"""Integrations: the segmenter as other tools call it, one module a tool."""
