"""Images in. One file per source; each says what it `accepts` and how to `read` it."""
