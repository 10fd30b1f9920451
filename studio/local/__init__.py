"""Everything of ML Studio on one machine: what `make run` and `make demo` do, and what the containers start."""
