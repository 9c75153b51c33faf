"""Rewrites of an ONNX graph that change no score. One file each, named after its function."""
