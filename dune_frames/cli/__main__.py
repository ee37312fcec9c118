"""The shell as a module: `python -m dune_frames.cli`."""

from dune_frames.cli import main

main()
