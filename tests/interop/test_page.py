from conftest import ROOT
from tried import LINES

BEGIN, END = "<!-- tried: make check-interop -->\n", "<!-- end of what was tried -->\n"


def test_the_page_says_what_is_tried_here_and_nothing_else():
    page = (ROOT / "docs" / "formats.md").read_text()
    table = page[page.index(BEGIN) + len(BEGIN):page.index(END)].splitlines()
    assert len(LINES) > 5
    assert table[2:] == sorted(LINES), "\n".join(["the table is:", *sorted(LINES)])
