"""The report that a second Snakemake makes: of which files, however many they are."""

import os

import pytest
import snakemake_report

SNAKEFILE = """
import os

report: os.environ["SPOKEN_WORDS_OPENING"]

rule draw:
    output: report("drawn {name}.txt", caption="caption.rst")
    shell: "exit 1"
"""


@pytest.fixture
def write(tmp_path, monkeypatch):
    """A function that reports on files, with the workflow above, and returns the page's text."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "Snakefile").write_text(SNAKEFILE)
    (tmp_path / "caption.rst").write_text(
        "The drawing of {{ snakemake.wildcards.name }}, {{ snakemake.config.a }}."
    )
    # Braces have a meaning in captions, not in an opening page.
    (tmp_path / "up.rst").write_text("Opens with ä {{ and %}.")
    (tmp_path / "style.css").write_text("")
    monkeypatch.setattr(snakemake_report, "SNAKEFILE", tmp_path / "Snakefile")
    monkeypatch.setattr(snakemake_report, "STYLESHEET", tmp_path / "style.css")

    def write(files):
        snakemake_report.write("page.html", files, "up.rst", {"a": "ä"})
        return (tmp_path / "page.html").read_text(encoding="utf-8")

    return write


def test_a_list_of_files_longer_than_a_command_line(write, tmp_path):
    files = ["drawn ü.txt", "drawn two.txt"]
    for file in files:
        (tmp_path / file).touch()
    # One file again and again, since for each one Snakemake would take its time.
    files += files[1:] * (os.sysconf("SC_ARG_MAX") // len(files[1]))
    page = write(files)
    assert "Opens with \\u00e4 {{ and %}." in page
    assert "The drawing of \\u00fc, \\u00e4." in page
    assert "The drawing of two, \\u00e4." in page
