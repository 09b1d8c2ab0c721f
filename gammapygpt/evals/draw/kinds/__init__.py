"""The kinds of tasks: one file each, found by its name (`-` for `_`), with one function `draft(archive, rng)`."""
