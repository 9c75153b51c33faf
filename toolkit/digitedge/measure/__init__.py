"""Figures: pure NumPy, no engine, no file. What is judged, and what is printed, is elsewhere."""
