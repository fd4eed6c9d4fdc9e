"""Inference with ONNX Runtime: model file, session, preprocessing, postprocessing, tiling."""
