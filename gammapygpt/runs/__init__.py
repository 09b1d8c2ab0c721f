"""The run folder, its history, and the reports made of it."""
