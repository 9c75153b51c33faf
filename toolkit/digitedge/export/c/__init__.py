"""C99 source from a graph: the file's frame, and one kernel a file."""
