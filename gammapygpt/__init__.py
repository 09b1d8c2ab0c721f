"""From a request in plain English to one Gammapy script that has been checked, run, validated and repaired."""

__version__ = "0.1.0"


def load_ipython_extension(shell: object) -> None:
    """`%load_ext gammapygpt`: the magics `%gammapy` and `%%gammapy`."""
    from gammapygpt.jupyter.magic import load

    load(shell)  # type: ignore[arg-type]
