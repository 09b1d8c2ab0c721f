"""The web page (Streamlit): thin over `session.py` and the run folder. What a run knows is on disk, never here."""
