import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from geosal.reports.render import as_json, fill, policy, read_page


class _Reader(HTMLParser):
    """Tags of a page, and the text of its scripts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict]] = []
        self.scripts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self.tags and self.tags[-1][0] == "script" and data.strip():
            self.scripts.append(data)


def test_a_hostile_name_stays_a_text(page: Path, hostile: str) -> None:
    text = page.read_text("utf-8")
    read = _Reader(text)
    assert hostile not in text
    assert [tag for tag, _ in read.tags].count("script") == 4
    assert not [tag for tag, _ in read.tags if tag in {"iframe", "object", "link", "form", "base"}]
    assert not [attrs for _, attrs in read.tags if any(name.startswith("on") for name in attrs)]
    data = json.loads(read.scripts[1])
    assert data["outputs"][0]["name"] == hostile
    assert json.loads(read.scripts[0])["heading"] == "</script><b>Both</b>"


def test_only_its_own_scripts_run_and_nothing_is_loaded(page: Path) -> None:
    read = _Reader(page.read_text("utf-8"))
    (told,) = [attrs["content"] for tag, attrs in read.tags if attrs.get("http-equiv") == "Content-Security-Policy"]
    rules = dict(rule.split(" ", 1) for rule in told.split("; "))
    assert rules["default-src"] == "'none'"
    digests = {base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in read.scripts[2:]}
    assert {f"'sha256-{digest}'" for digest in digests} == set(rules["script-src"].split())
    assert "script-src 'none'" in policy([])
    addresses = [attrs[name] for _, attrs in read.tags for name in ("src", "href") if name in attrs]
    assert addresses == ["#numbers"]


def test_the_viewer_is_the_one_that_is_named() -> None:
    told = read_page("README.md")
    for name in ("openseadragon.min.js", "openseadragon.LICENSE.txt"):
        assert hashlib.sha256(read_page(name).encode()).hexdigest() in told


def test_a_page_carries_the_licence_of_the_viewer(page: Path) -> None:
    comment = re.search("<!--(.*?)-->", page.read_text("utf-8"), re.DOTALL)[1]
    assert read_page("openseadragon.LICENSE.txt") in comment


@pytest.mark.parametrize("text", ["</script>", "<!--", "]]>", "\u2028", "&amp;", "\N{SNOWMAN}"])
def test_data_end_no_script(text: str) -> None:
    written = as_json({"name": text})
    assert not re.search(r"[<>&\u2028]", written)
    assert json.loads(written) == {"name": text}


def test_what_is_filled_in_is_not_looked_at_again() -> None:
    assert fill("{{a}}-{{b}}", {"a": "{{b}}", "b": r"\1"}) == r"{{b}}-\1"
