"""From a request in plain English to one Gammapy script that has been checked, run, validated and repaired."""

__version__ = "0.1.0"
