"""The commands of the command line, a file each; `gammapygpt.cli` mounts them. Imports nothing heavy at import."""
