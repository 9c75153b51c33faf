"""digitedge: from an image classifier on a workstation to a proved file in a device."""

__version__ = "0.1.0"
