"""Pages are made of parts; each becomes what it says, in its order, as text and nothing else."""

from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

from spinprint.errors import InputError, OutputError
from spinprint.report import (
    Bullets,
    Cell,
    Column,
    Details,
    Gallery,
    Outcome,
    Page,
    Panels,
    Picture,
    Section,
    Table,
    Text,
    Verdict,
    Verdicts,
    Viewer,
    Volume,
    Window,
    write_page,
)
from spinprint.report.html import render_page


class Reader(HTMLParser):
    """Tags in their order, and the text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self.lasttag != "style":
            self.words.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def read(*parts: object, **settings: object) -> Reader:
    page = Page(title="A page", sections=[Section("First", parts)], **settings)  # type: ignore[arg-type]
    return Reader(render_page(page))


def figure() -> Figure:
    return Figure(figsize=(2, 1))


def viewer() -> Viewer:
    values = np.ones((3, 2, 1))
    volume = Volume(
        caption="Map", values=values, label="T1 [ms]", colours="magma", window=Window(0, 2)
    )
    return Viewer(rows=[Panels("T1", [volume])], asked=values > 0)


def test_sections_nest_and_headings_follow() -> None:
    found = read(Text("one"), Section("Second", [Section("Third", [viewer()])]), Section("x", []))
    levels = [tag for tag, _ in found.tags if tag in ("h1", "h2", "h3", "h4", "h5")]
    assert levels == ["h1", "h2", "h3", "h4", "h5", "h3", "h2"]


def test_a_table_has_groups_totals_marks_and_units() -> None:
    table = Table(
        caption="All of it",
        columns=["structure", Column("voxels"), Column("bias", "%", "T1"), Column("SD", "%", "T1")],
        rows=[["all", 12, Cell(0.1234, "†", "biased"), None], ["gel", 7, float("nan"), -31.4]],
        totals=1,
        notes="† is a sign",
    )
    found = read(table)
    heads = [(one.get("scope"), one.get("colspan"), one.get("rowspan")) for one in found.all("th")]
    assert heads[:5] == [
        ("col", None, "2"), ("col", None, "2"), ("colgroup", "2", None), ("col", None, None),
        ("col", None, None),
    ]  # fmt: skip
    assert heads[5:7] == [("row", None, None)] * 2
    assert [row.get("class") for row in found.all("tr")][:4] == [None, None, "whole", None]
    assert "all 12 0.12 † (biased) – gel 7 – −31.4 † is a sign" in found.text
    assert "bias [%]" in found.text


def test_verdicts_say_their_outcome_in_words() -> None:
    rows = [
        Verdict("15 % better", "3 %", "1 to 5 %", Outcome.FAILS, "there is no room"),
        Verdict("as good", "1.0", "", Outcome.UNTESTED),
    ]
    found = read(Verdicts(rows))
    assert "15 % better 3 % 1 to 5 % ✗ does not hold there is no room" in found.text
    assert "as good 1.0 – – not tested" in found.text


def test_every_part_has_its_place() -> None:
    found = read(
        Bullets(["a point"]),
        Details("more", [Text("folded", style="small")]),
        Gallery([Picture(figure(), "left"), Picture(figure(), "right", "Right")], columns=3),
        Picture(figure(), "alone"),
    )
    assert [one["alt"] for one in found.all("img")] == ["left", "right", "alone"]
    for words in ("a point", "more", "folded", "Right"):
        assert words in found.text
    assert any(one.get("class") == "panels columns-3" for one in found.all("div"))


def test_only_pages_with_maps_carry_the_viewer() -> None:
    with_maps = read(Details("Maps", [viewer()]))
    assert "DecompressionStream" in with_maps.text
    assert "DecompressionStream" not in read(Text("words")).text


def test_provenance_is_flat_and_names_the_software() -> None:
    found = read(provenance={"seed": 3, "settings": {"rank_used": 5, "levels": (1, 2)}})
    assert "software spinprint" in found.text
    for words in ("seed 3", "settings, rank used 5", "settings, levels 1, 2"):
        assert words in found.text


HOSTILE = "</script></style><script>alert(1)</script>\"'{{ 7 * 7 }}<img src=x>\u202e"


def test_hostile_text_stays_text() -> None:
    def parts(word: str) -> list[object]:
        return [
            Text(word),
            Bullets([word]),
            Table(caption=word, columns=[word, Column(word, word, word)], rows=[[word, word]]),
            Verdicts([Verdict(word, word, word, Outcome.OPEN, word)], word),
            Picture(figure(), word, word),
            Details(word, [viewer()]),
            Section(word, []),
        ]

    clean, attacked = read(*parts("WORD")), read(*parts(HOSTILE))
    assert [tag for tag, _ in attacked.tags] == [tag for tag, _ in clean.tags]
    assert [list(one) for _, one in attacked.tags] == [list(one) for _, one in clean.tags]
    assert attacked.text.count(HOSTILE) == clean.text.count("WORD")


def test_a_table_with_a_hole_is_refused() -> None:
    with pytest.raises(InputError, match="'All': row 2 has 1 cells where there are 2 columns"):
        Table(caption="All", columns=["a", "b"], rows=[[1, 2], [1]])
    with pytest.raises(InputError, match="those who cannot see"):
        Picture(figure(), "")
    with pytest.raises(InputError, match="empty paragraph"):
        Text(["a", ""])


def test_a_page_is_written_whole(tmp_path: Path) -> None:
    page = Page(title="A page", subtitle="of \udc80 bytes", sections=[])
    path = write_page(page, tmp_path / "deep" / "page.html")
    assert "of \\udc80 bytes" in path.read_text("utf-8")
    with pytest.raises(OutputError, match="is a folder"):
        write_page(page, tmp_path)
