"""Decoding: the bytes of a page, CSV or JSON, into an Arrow table of the result's schema."""
