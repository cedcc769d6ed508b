"""The project's own rules about versions, settings, tracked files and set-up, checked on the tree itself."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from itertools import chain
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from streamlit import config as streamlit_config

ROOT = Path(__file__).resolve().parents[1]
SUPPORTED_PYTHONS = ("3.11", "3.12", "3.13")
PLATFORMS = ("linux", "darwin", "win32")
TOP_LEVEL = {
    "LICENSE",
    "Makefile",
    "README.md",
    "app.py",
    "constraints.txt",
    "data",
    "hitl_review",
    "pyproject.toml",
    "tests",
}


def project_table() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def declared_requirements() -> list[Requirement]:
    project = project_table()
    extras = chain.from_iterable(project["optional-dependencies"].values())
    return [Requirement(text) for text in (*project["dependencies"], *extras)]


def constraints() -> list[Requirement]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return [Requirement(line) for line in lines if line and not line.startswith("#")]


def version_of(pin: Requirement) -> str:
    (clause,) = pin.specifier
    return clause.version


def applies(requirement: Requirement, *, python_version: str, sys_platform: str) -> bool:
    environment = {"python_version": python_version, "sys_platform": sys_platform}
    return requirement.marker is None or requirement.marker.evaluate(environment)


def tracked_files() -> list[str]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True)
    return [name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def tracked_texts() -> Iterator[tuple[str, str]]:
    for name in tracked_files():
        try:
            yield name, (ROOT / name).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # a table or a picture


def files_with(pattern: str, *, suffix: str = "") -> list[str]:
    return [name for name, text in tracked_texts() if name.endswith(suffix) and re.search(pattern, text)]


# --- versions


def test_every_dependency_has_a_floor_and_a_ceiling() -> None:
    """A fresh install next year gets neither something too old nor the next breaking release."""
    for requirement in declared_requirements():
        operators = {clause.operator for clause in requirement.specifier}
        assert ">=" in operators, f"{requirement} has no floor"
        assert "<" in operators, f"{requirement} has no ceiling"


def test_the_build_backend_has_a_floor_and_a_ceiling() -> None:
    """The one requirement that constraints.txt does not reach is bounded too."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    for requirement in map(Requirement, tomllib.loads(text)["build-system"]["requires"]):
        assert {clause.operator for clause in requirement.specifier} >= {">=", "<"}


@pytest.mark.parametrize("sys_platform", PLATFORMS)
@pytest.mark.parametrize("python_version", SUPPORTED_PYTHONS)
def test_constraints_name_one_allowed_version_of_every_dependency(
    python_version: str, sys_platform: str
) -> None:
    """What was tested lies inside what pyproject.toml allows, on every Python and platform we name."""
    here = {"python_version": python_version, "sys_platform": sys_platform}
    pins = [pin for pin in constraints() if applies(pin, **here)]
    for requirement in declared_requirements():
        if not applies(requirement, **here):
            continue
        named = canonicalize_name(requirement.name)
        versions = [version_of(pin) for pin in pins if canonicalize_name(pin.name) == named]
        assert len(versions) == 1, f"{named} is constrained {len(versions)} times: {versions}"
        assert requirement.specifier.contains(versions[0]), f"{requirement} does not allow {versions[0]}"


def test_constraints_are_exact() -> None:
    """Each line of constraints.txt says one version, nothing looser."""
    for pin in constraints():
        assert [clause.operator for clause in pin.specifier] == ["=="], str(pin)


def test_exactly_one_build_of_xgboost_is_asked_for_on_each_platform() -> None:
    """The CPU build everywhere but on macOS, which has none; two side by side would overwrite each other."""
    builds = [each for each in declared_requirements() if each.name in {"xgboost", "xgboost-cpu"}]

    def asked(platform: str) -> list[str]:
        return [each.name for each in builds if applies(each, python_version="3.13", sys_platform=platform)]

    assert [asked(each) for each in PLATFORMS] == [["xgboost-cpu"], ["xgboost"], ["xgboost-cpu"]]


def test_python_3_11_is_the_floor() -> None:
    """Python 3.11 is let in and 3.10 is not, and the tools check for 3.11."""
    tables = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    allowed = SpecifierSet(tables["project"]["requires-python"])
    assert all(allowed.contains(version) for version in SUPPORTED_PYTHONS)
    assert not allowed.contains("3.10")
    assert tables["tool"]["ruff"]["target-version"] == "py311"
    assert tables["tool"]["mypy"]["python_version"] == "3.11"


def test_every_package_the_code_imports_is_declared() -> None:
    """Nothing works only because another package happens to bring it."""
    allowed = {canonicalize_name(requirement.name) for requirement in declared_requirements()}
    distributions = packages_distributions()
    own = set(sys.stdlib_module_names) | {"hitl_review"}
    for name in filter(re.compile(r"^(hitl_review/.*|app)\.py$").match, tracked_files()):
        for module in imported_modules(ROOT / name) - own:
            owners = {canonicalize_name(each) for each in distributions.get(module, [module])}
            assert owners & allowed, f"{name} imports {module}, which pyproject.toml does not declare"


def imported_modules(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            found.add(node.module.partition(".")[0])
    return found


# --- what the repository holds


def test_the_top_level_holds_only_what_is_allowed() -> None:
    """The file tree is the table of contents, so nothing is dropped beside it."""
    top = {name.partition("/")[0] for name in tracked_files()}
    assert {name for name in top if not name.startswith(".")} <= TOP_LEVEL


def test_no_tracked_file_names_a_package_registry() -> None:
    """Where packages come from is the machine's affair: an address in a file breaks behind a mirror."""
    assert files_with(r"py" r"pi\.org|python" r"hosted|npm" r"js\.(org|com)|deb\.deb" r"ian") == []


def test_no_tracked_file_names_a_folder_of_this_machine() -> None:
    """A path of the machine it was written on does not exist on the next one."""
    shared_by_all = {Path(each) for each in ("/", "/home", "/opt", "/srv", "/usr/src", tempfile.gettempdir())}
    places = {ROOT.parent, Path.home()} - shared_by_all
    for place in places:
        assert files_with(re.escape(f"{place}/")) == [], f"{place} is named"


def test_no_page_lets_raw_html_through() -> None:
    """Raw HTML in a page runs a stranger's script."""
    assert files_with(r"unsafe_allow" r"_html|unsafe_allow" r"_javascript", suffix=".py") == []


def test_no_product_code_unpickles() -> None:
    """A pickle runs a stranger's code. Only a test may make one, to see it refused."""
    found = files_with(r"(?m)^\s*(import|from) (pickle|joblib)\b", suffix=".py")
    assert [name for name in found if not name.startswith("tests/")] == []


def test_no_workspace_is_tracked() -> None:
    """A live database holds people's decisions and is never part of the source."""
    assert [name for name in tracked_files() if re.search(r"\.(db|sqlite3?)(-wal|-shm)?$", name)] == []


def test_the_licence_is_apache_2() -> None:
    """The licence is named in the metadata and stands in full in LICENSE."""
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert project_table()["license"] == "Apache-2.0"
    for words in ("Apache License\n", "END OF TERMS AND CONDITIONS", "the hitl-review authors"):
        assert words in text


# --- settings and theme


def settings() -> dict:
    return tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))


def option_names(table: dict, prefix: str = "") -> Iterator[str]:
    for key, value in table.items():
        name = f"{prefix}{key}"
        yield from option_names(value, f"{name}.") if isinstance(value, dict) else (name,)


def test_every_setting_is_one_streamlit_knows() -> None:
    """Streamlit only warns about a misspelt or retired setting, so a test has to refuse it."""
    known = set(streamlit_config.get_config_options())
    assert set(option_names(settings())) - known == set()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("server.headless", True),
        ("server.showEmailPrompt", False),
        ("server.address", "127.0.0.1"),
        ("browser.gatherUsageStats", False),
        ("client.showErrorDetails", "none"),
        ("client.showErrorLinks", False),
        ("client.disableDataExport", True),
    ],
)
def test_the_app_is_served_quietly_and_to_this_machine_only(name: str, value: object) -> None:
    """It asks nothing, tells nobody, serves this machine, and shows no exception that may hold a value."""
    section, key = name.split(".")
    assert settings()[section][key] == value


def test_the_theme_fetches_nothing() -> None:
    """No font or base theme comes over the network."""
    assert "://" not in (ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8")


def luminance(colour: str) -> float:
    """Relative luminance of `#RRGGBB`, 0 to 1 (WCAG 2.2)."""
    channels = (int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5))
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two colours, 1 to 21 (WCAG 2.2)."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def blend(front: str, back: str, share: float) -> str:
    """The colour seen where `front` lies at opacity `share` over `back`."""
    pairs = ((int(front[i : i + 2], 16), int(back[i : i + 2], 16)) for i in (1, 3, 5))
    return "#" + "".join(f"{round(f * share + b * (1 - share)):02x}" for f, b in pairs)


def test_contrast_agrees_with_known_pairs() -> None:
    """Black on white is 21 to 1, and the grey that is known to just pass is 4.54."""
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.005)


@pytest.mark.parametrize("variant", ["light", "dark"])
def test_the_theme_is_readable(variant: str) -> None:
    """Text, captions (text at 60 %), links and white on the accent reach 4.5 to 1; the accent 3 to 1."""
    colours = settings()["theme"][variant]
    assert contrast("#ffffff", colours["primaryColor"]) >= 4.5
    for surface in (colours["backgroundColor"], colours["secondaryBackgroundColor"]):
        assert contrast(colours["textColor"], surface) >= 7
        assert contrast(blend(colours["textColor"], surface, 0.6), surface) >= 4.5
        assert contrast(colours["linkColor"], surface) >= 4.5
        assert contrast(colours["primaryColor"], surface) >= 3


# --- set-up


def executable(path: Path, script: str) -> None:
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)


PICKED = getattr(sys, "_base_executable", sys.executable)
"""The Python behind the environment of the tests: the environment's own may be the one that is to be made anew."""


def pick_python(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs the picker where only `folder` is on PATH and no version manager is found."""
    environment = {"PATH": str(folder), "HOME": str(folder)}
    shell = shutil.which("sh")
    assert shell
    command = [shell, str(ROOT / ".ci" / "pick-python"), *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True)


def test_the_picker_passes_over_pythons_that_do_not_run(tmp_path: Path) -> None:
    """A version manager's empty shim and a broken build are passed over for an older Python that works."""
    executable(tmp_path / "python3.13", "echo 'command not found' >&2; exit 127")
    executable(tmp_path / "python3.12", '[ "$1" = --version ] && echo "Python 3.12.0" || exit 1')
    executable(tmp_path / "python3.11", f'exec "{sys.executable}" "$@"')
    found = pick_python(tmp_path)
    assert (found.returncode, found.stdout.strip()) == (0, PICKED), found.stderr


def test_the_picker_finds_the_newest_among_a_version_managers(tmp_path: Path) -> None:
    """A Python that is installed but not on PATH is taken before an older one that is."""
    shelf = tmp_path / ".pyenv" / "versions" / "3.13.9" / "bin"
    shelf.mkdir(parents=True)
    executable(shelf / "python", f'exec "{sys.executable}" "$@"')
    executable(tmp_path / "python3.12", "[ $# = 1 ] || echo older")
    assert pick_python(tmp_path).stdout.strip() == PICKED


def test_the_picker_says_why_it_found_none(tmp_path: Path) -> None:
    """Where no Python will do, each that was there is named with what is wrong with it."""
    executable(tmp_path / "python3.13", "exit 127")
    executable(tmp_path / "python3", '[ "$1" = --version ] || { echo "is 3.9, older than 3.11"; exit 1; }')
    found = pick_python(tmp_path)
    assert (found.returncode, found.stdout) == (1, "")
    assert "python3.13 is there but does not run" in found.stderr
    assert "python3 is 3.9, older than 3.11" in found.stderr


def test_the_picker_takes_the_python_it_is_told_to_or_refuses(tmp_path: Path) -> None:
    """`make PYTHON=...` is never answered with some other Python."""
    executable(tmp_path / "chosen", f'exec "{sys.executable}" "$@"')
    executable(tmp_path / "python3.13", f'exec "{sys.executable}" "$@"')
    assert pick_python(tmp_path, "chosen").stdout.strip() == PICKED
    refused = pick_python(tmp_path, "nowhere")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "PYTHON=nowhere will not do" in refused.stderr


def test_make_help_lists_every_target() -> None:
    """Each target a person may ask for is described where `make` alone shows it."""
    targets = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert targets
    outside_make = {key: value for key, value in os.environ.items() if not key.startswith(("MAKE", "MFLAGS"))}
    shown = subprocess.run(["make"], cwd=ROOT, env=outside_make, capture_output=True, text=True, check=True)
    assert set(re.findall(r"^  make (\w+)", shown.stdout, re.MULTILINE)) == set(targets[1].split())


def test_what_an_installed_copy_needs_is_put_into_the_wheel() -> None:
    """The demo's data and the settings travel with the package; each really exists here."""
    tables = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    carried = tables["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    assert {"data/support2", ".streamlit/config.toml"} <= carried.keys()
    for source in carried:
        assert (ROOT / source).exists(), f"{source} is to be packed and is not there"
