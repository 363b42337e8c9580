"""The documentation agrees with the code, and its links lead somewhere."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
PAGES = [
    *(REPOSITORY / name for name in ("README.md", "MODEL_CARD.md", "data/README.md")),
    *sorted((REPOSITORY / "docs").glob("*.md")),
]
_LINK = re.compile(r"\]\(([^)\s]+)\)")


def test_options_are_those_of_the_code() -> None:
    """docs/options.md is what docs/make_options.py writes now."""
    spec = importlib.util.spec_from_file_location(
        "make_options", REPOSITORY / "docs/make_options.py"
    )
    make_options = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(make_options)
    expected = make_options.page()
    for part in ("`--max-characters`", "`generate.epochs`", "`length_penalty`", "`[INPUT]`"):
        assert part in expected
    written = (REPOSITORY / "docs/options.md").read_text(encoding="utf-8")
    assert written == expected, "run: python docs/make_options.py"


def headings(page: Path) -> set[str]:
    """The places of a page that a link can name, as GitHub makes them of headings."""
    lines = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.M)
    return {re.sub(r"[^\w\- ]", "", line.lower()).strip().replace(" ", "-") for line in lines}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(REPOSITORY)))
def test_links_lead_somewhere(page: Path) -> None:
    for link in _LINK.findall(page.read_text(encoding="utf-8")):
        if link.startswith(("http://", "https://", "mailto:")):
            continue
        name, _, place = link.partition("#")
        target = page.parent / name if name else page
        assert target.exists(), link
        if place:
            assert place in headings(target), link


def test_the_readme_prints_what_the_default_model_writes() -> None:
    from spaces import Summarizer

    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    (printed,) = re.findall(r"\nprints\n\n```text\n(.*?)```", readme, re.S)
    judgment = (REPOSITORY / "data/samples/loan.txt").read_text(encoding="utf-8")
    written = Summarizer.from_pretrained().summarize(judgment).text
    assert printed.replace("\n", "") == written, "the README shows another summary"


def test_the_readme_leads_to_every_page() -> None:
    links = _LINK.findall((REPOSITORY / "README.md").read_text(encoding="utf-8"))
    pages = {f"docs/{page.name}" for page in (REPOSITORY / "docs").glob("*.md")}
    assert pages <= {link.partition("#")[0] for link in links}
