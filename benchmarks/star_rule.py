"""How often the star of Table 1 appears where all eight methods are equal, simulated.

    python benchmarks/star_rule.py

A million tables' columns for each setting, under a minute on one core. Writes docs/star_rule.json, and its numbers into
docs/statistics.md between the two marks there; a test holds both equal.
"""

import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "workflow_scripts"))

from sgid.star_rule import markdown_rates, simulate  # noqa: E402

TRIALS = 1_000_000
BLOCK = re.compile(r"(<!-- star rule: begin -->\n).*(<!-- star rule: end -->)", flags=re.DOTALL)


def main() -> None:
    """Simulate, then write the JSON and the part of the page that is made from it."""
    result = simulate(TRIALS)
    (ROOT / "docs/star_rule.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    page = ROOT / "docs/statistics.md"
    text = page.read_text(encoding="utf-8")
    page.write_text(BLOCK.sub(rf"\g<1>{markdown_rates(result)}\n\g<2>", text), encoding="utf-8")


if __name__ == "__main__":
    main()
