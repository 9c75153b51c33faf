"""Wrong exports, each made of a right one: what proves that `digitedge verify` can fail. One file a family."""
