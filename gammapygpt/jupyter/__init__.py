"""In a notebook: `%load_ext gammapygpt`, then requests in cells that begin with `%%gammapy`. Thin over `session.py`."""
