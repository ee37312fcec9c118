"""Progress: who watches a call, and what they see of it."""
