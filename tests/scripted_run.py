"""What the runs with scripted replies ask for."""

REQUEST = 'How many observations are there? Write result.json with "n_obs" (integer).'
