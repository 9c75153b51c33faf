"""`python -m digitedge` is the `digitedge` command."""

from digitedge.cli import main

if __name__ == "__main__":
    main()
