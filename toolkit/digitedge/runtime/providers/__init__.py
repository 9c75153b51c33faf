"""Execution providers of ONNX Runtime. One file each: its name is what the user types, `PROVIDER` what it is."""
