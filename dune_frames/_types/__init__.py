"""Types: what Dune's type texts mean in Arrow, and how values become them."""
