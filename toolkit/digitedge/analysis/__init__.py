"""What needs the graph itself. Imports onnx: the workstation side."""
