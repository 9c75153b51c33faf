"""Keras to a file for a device, proved. One file per format; `convert` makes the bytes. The workstation side."""
