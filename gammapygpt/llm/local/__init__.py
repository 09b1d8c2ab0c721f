"""A GGUF file as a backend: found by its sha256, served on this machine while a run needs it, by llama.cpp."""
