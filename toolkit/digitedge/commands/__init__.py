"""One file a command: parse, call the library, hand the result to the report, exit code."""
