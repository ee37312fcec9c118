"""The wire: Dune's endpoints as requests, and its answers as small frozen values."""
