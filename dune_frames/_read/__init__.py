"""The read: one call's options, and the way from its source to its frame."""
