"""One file a command: its document as a printed step."""
