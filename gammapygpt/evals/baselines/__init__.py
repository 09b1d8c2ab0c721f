"""What gammapygpt is measured against, in the same harness and sandbox, with the same model. Each is a `solve(run)`."""
