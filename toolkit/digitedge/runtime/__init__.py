"""Engines. One file per format; a file that defines `SUFFIX` and `load` is a format."""
