"""The download: the pages of one pinned execution, in parallel, in order, each row once."""
