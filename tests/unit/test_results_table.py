"""The README's results are those of the committed campaigns."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

import results_table as made  # noqa: E402


def test_the_readme_says_what_the_committed_table_says():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    table = made.results_table(ROOT / "benchmarks" / "results" / "local-1.5b")
    assert table.count("\n") > 3
    assert readme == made.with_results(readme, table), "python scripts/results_table.py writes it anew"
