"""The examples and links of README and docs."""

import doctest
import re
import subprocess
import sys
from pathlib import Path

import pytest

from zyg.__main__ import sections

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)(#[^)\s]*)?\)")


def links(page):
    text = re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)
    return LINK.findall(re.sub(r"`[^`\n]*`", "", text))


def heading_anchors(text):
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {"#" + re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_examples(page):
    text = "\n".join("" if line.startswith("```") else line for line in page.read_text().split("\n"))
    test = doctest.DocTestParser().get_doctest(text, {"__name__": "__main__"}, page.name, str(page), 0)
    failures, _ = doctest.DocTestRunner().run(test)
    assert failures == 0


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    for target, anchor in links(page):
        if not target.startswith(("http:", "https:")):
            path = page.parent / target
            assert path.exists(), f"{page.name} links to {target}"
            if anchor:
                assert anchor in heading_anchors(path.read_text()), f"{page.name} links to {target}{anchor}"


def test_the_readme_has_examples():
    assert sum(len(examples) for _, examples in sections((ROOT / "README.md").read_text())) > 20


def test_the_tour_prints_them():
    done = subprocess.run([sys.executable, "-m", "zyg"], capture_output=True, text=True, check=True)
    assert ">>> f(10), grad(f)(10)\n(53, 5)" in done.stdout
    assert re.search(r"^\w*(Error|Warning)\b", done.stdout, re.MULTILINE) is None and done.stderr == ""
