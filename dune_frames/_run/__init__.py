"""The run: submit, poll, cancel; and from a saved query, SQL or an id to one pinned execution."""
