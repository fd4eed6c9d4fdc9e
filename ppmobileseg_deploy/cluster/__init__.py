"""Batches of millions of images: planned once, segmented by many workers, resumed, verified.

A batch is divided into files of results before any work is done. A worker makes one file whole and
puts it in place in one step, so that doing a file again, after a death or by two workers at once,
changes nothing: every image has exactly one row.
"""
