"""Rewrites of an ONNX graph that change no score, one a file; `pipeline` runs them in order and proves it."""
