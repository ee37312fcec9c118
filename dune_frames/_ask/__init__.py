"""What to ask: the reference to a query, the window of rows, and parameters as Dune wants them."""
