"""Evaluations: tasks with known answers, campaigns of runs over them, and what the numbers say."""
