"""The parts: one pinned execution in runs of rows that engines read apart from each other."""
