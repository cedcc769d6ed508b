"""What must be true before the pages are served: settings, files, disk, and under which names the app answers.

An unsafe setting is not corrected in silence: somebody wanted it, so serving is refused in one sentence that
says where it stands and what it would do.
"""

from __future__ import annotations

import os
import re
import stat
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

from hitl_review.errors import WorkspaceError
from hitl_review.store.checkpoints import anchor_path
from hitl_review.store.connection import DATABASE, sqlite3
from hitl_review.store.keys import key_path, next_key_path
from hitl_review.workflow.environment import (
    SAFE_SETTINGS,
    State,
    file_system_check,
    mounts_text,
    owned_by_others,
    sqlite_check,
    this_user,
    variable,
)

FORWARDERS: Final = "FORWARDED_ALLOW_IPS"
"""The variable that tells the server whose `X-Forwarded-For` and `X-Forwarded-Proto` it believes."""
LOCAL: Final = ("localhost", "127.0.0.1")
"""This machine's own names."""
OTHERS: Final = "belongs to another user, who may change it; chown it to the one who serves"
LARGEST_UPLOAD: Final = 5
"""MB; a file of checkpoints, all that a page takes. It is held in memory, whoever sends it."""
SHORTEST_SECRET: Final = 32
"""Characters of the secret that seals an identity provider's cookie; the one of Streamlit's example has three."""
_NEVER: Final[Mapping[str, str]] = {
    "server.allowedHosts": "pages elsewhere could reach the app under names of their own; use --public-url",
    "server.corsAllowedOrigins": "other sites could read the pages; use --public-url",
    "server.baseUrlPath": "files below it would pass the door that they are kept behind",
    "server.trustedUserHeaders": "whoever sends the header would be believed to be somebody",
    "secrets.files": "an identity provider's secrets would lie where nobody looks whether others may read them",
    "server.address": "the app would listen elsewhere than the command says; use --address",
}
"""Settings that only this program may set, and what would happen otherwise."""
_HOST: Final = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?")


def refuse_unsafe(
    folder: Path, *, files: Sequence[Path], environ: Mapping[str, str], secrets: Sequence[Path] = ()
) -> list[str]:
    """Raise WorkspaceError if something makes serving unsafe, and return what is only to be warned of.

    `files` are the config.toml of this user and of this folder, which are not the program's own; `secrets` are
    their secrets.toml.
    """
    user = this_user()
    faults = [*loosened(files, environ), *file_faults(folder, user=user), *secret_faults(secrets, user=user)]
    if faults:
        more = f" And {len(faults) - 1} more." if len(faults) > 1 else ""
        raise WorkspaceError(f"The app was not served: {faults[0]}.{more}")
    return list(_warnings(folder))


def loosened(files: Sequence[Path], environ: Mapping[str, str]) -> list[str]:
    """Say where a config.toml or a variable asks for what the program does not allow."""
    found = [(str(path), key, value) for path in files for key, value in _settings(path).items()]
    for key in (*SAFE_SETTINGS, *_NEVER, "server.maxUploadSize"):
        text = environ.get(variable(key))
        if text is not None:
            found.append((variable(key), key, {"true": True, "false": False}.get(text.lower(), text)))
    faults = [fault for place, key, value in found if (fault := _loosening(place, key, value))]
    if FORWARDERS in environ:
        faults.append(
            f"the variable {FORWARDERS} is set: whoever it admits could say where they come from, past the lock "
            "of an address; take it out"
        )
    return faults


def _settings(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        return dict(_dotted(tomllib.loads(path.read_text(encoding="utf-8"))))
    except (OSError, ValueError) as error:
        raise WorkspaceError(f"The app was not served: {path} can't be read. Mend or remove it.") from error


def _dotted(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _dotted(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _loosening(place: str, key: str, value: object) -> str:
    said = f"{place} sets {key}" if place != variable(key) else f"the variable {place} is set"
    if key.startswith("server.trustedUserHeaders."):
        key = "server.trustedUserHeaders"
    if key in _NEVER:
        return f"{said}: {_NEVER[key]}"
    if key == "server.maxUploadSize":
        too_large = not str(value).isdigit() or int(str(value)) > LARGEST_UPLOAD
        return f"{said} to more than {LARGEST_UPLOAD} MB: take it out" if too_large else ""
    if key in SAFE_SETTINGS and value not in SAFE_SETTINGS[key][1]:
        return f"{said} to {str(value).lower()}: {SAFE_SETTINGS[key][2]}; take it out"
    return ""


def file_faults(folder: Path, *, user: int) -> list[str]:
    """Say which files of a workspace lie open or are others' to change, or where locks can't be relied on."""
    faults = [f"{path} {OTHERS}" for path in owned_by_others(places_of(folder), user=user) if user != 0]
    for path in (key_path(folder), next_key_path(folder)):
        if _open_bits(path, 0o077):
            faults.append(f"others may read or change the signing key {path}; chmod 600 {path}")
    for path in (folder / DATABASE, folder / f"{DATABASE}-wal"):
        if _open_bits(path, 0o022):
            faults.append(f"others may change {path}; chmod 600 {path}")
    for place in dict.fromkeys((folder, *key_folders(folder))):
        if _is_open_folder(place) and (place == folder or not place.stat().st_mode & stat.S_ISVTX):
            faults.append(
                f"others may put other files into {place}, such as another database or key; chmod go-w {place}"
            )
    check = file_system_check(folder, mounts_text())
    if check.state is State.PROBLEM:
        faults.append(
            f"the workspace lies on {check.found}; move it to a local disk, as locks don't hold there"
        )
    return faults


def secret_faults(files: Sequence[Path], *, user: int) -> list[str]:
    """Say where the secret that seals an identity provider's cookie lies open, or can be guessed.

    Whoever has it makes a cookie that stands for anybody; whoever may put another file there, names a provider.
    """
    faults = []
    for path in (each for each in files if each.is_file()):
        told = _settings(path)
        provider = any(key.startswith("auth.") for key in told)
        if _open_bits(path, 0o077 if provider else 0o022):
            faults.append(f"others may read or change {path}, and sign in as anybody with it; chmod 600 {path}")
        if _is_open_folder(path.parent):
            faults.append(f"others may put another secrets.toml into {path.parent}; chmod go-w {path.parent}")
        faults += [f"{each} {OTHERS}" for each in owned_by_others([path.parent, path], user=user) if user != 0]
        if provider and len(str(told.get("auth.cookie_secret", ""))) < SHORTEST_SECRET:
            faults.append(
                f"the cookie_secret in {path} can be guessed, and anybody could sign in as anybody with it; make it "
                f"{SHORTEST_SECRET} random characters or more"
            )
    return faults


def places_of(folder: Path) -> list[Path]:
    """Return what makes up a workspace: whoever owns one of these may put another in its place, whatever its mode."""
    files = (folder / DATABASE, folder / f"{DATABASE}-wal", key_path(folder), next_key_path(folder))
    return [folder, *key_folders(folder), *files]


def key_folders(folder: Path) -> list[Path]:
    """Return the folder of the signing key; where that is a link, the one to which it leads as well."""
    key = key_path(folder)
    return [key.parent, Path(os.path.realpath(key)).parent] if key.is_symlink() else [key.parent]


def _open_bits(path: Path, bits: int) -> bool:
    return os.name == "posix" and path.is_file() and bool(path.stat().st_mode & bits)


def _is_open_folder(folder: Path) -> bool:
    """Tell whether anybody but its owner may put files into a folder; a group that is its owner's alone is nobody."""
    if os.name != "posix" or not folder.is_dir():
        return False
    found = folder.stat()
    by_group = bool(found.st_mode & 0o020) and not is_own_group(found.st_uid, found.st_gid)
    return by_group or bool(found.st_mode & 0o002)


def is_own_group(user: int, group: int) -> bool:
    """Tell whether a group is the one that many systems make for each user, with nobody else in it."""
    import grp  # not there on every system, and asked for on those only where it is
    import pwd

    try:
        owner, shared = pwd.getpwuid(user), grp.getgrgid(group)
    except KeyError:
        return False
    return owner.pw_gid == group and owner.pw_name == shared.gr_name and {*shared.gr_mem} <= {owner.pw_name}


def _warnings(folder: Path) -> Iterator[str]:
    for check in (
        sqlite_check(sqlite3.sqlite_version_info, sqlite3.__name__),
        file_system_check(folder, mounts_text()),
    ):
        if check.state is State.WARNING:
            yield f"{check.found}. {check.advice}"
    place = anchor_path(folder)
    if not _takes_lines(place):
        yield (
            f"The file of checkpoints can't be written at {place}, so that nothing outside the database would tell "
            "of its head. Make its folder, or name another file with HITL_CHECKPOINTS."
        )
    if this_user() == 0:  # in a container, the folder is often that of a user outside
        yield from (f"{path} {OTHERS}." for path in owned_by_others(places_of(folder), user=0))


def _takes_lines(path: Path) -> bool:
    """Tell whether lines can be appended to a file, or the file be made."""
    there = path.is_file() if path.exists() else path.parent.is_dir()
    return there and os.access(path if path.exists() else path.parent, os.W_OK)


def forwarders(public_url: str | None) -> str:
    """Return whose word on a client's address is believed: a proxy's on this machine, where one is expected.

    Without one, whoever calls could write another address into the log at every try, and be locked out under none.
    """
    return "" if public_url is None else "127.0.0.1,::1"


def is_local(name: str | None) -> bool:
    """Tell whether a name or an address is this machine's own: what is asked under it never crosses a network."""
    try:
        return name in LOCAL or ip_address(name or "").is_loopback
    except ValueError:
        return False


def reach(public_url: str | None, *, address: str = "127.0.0.1") -> dict[str, Any]:
    """Return the settings that say under which names the app answers, and from which pages it may be called.

    Without a public address, only this machine's own names, and the `address` at which it listens. WorkspaceError
    for what is no plain https address.
    """
    hosts, origins = list(dict.fromkeys([*LOCAL, address])), []
    if public_url is not None:
        parts = _address(public_url)
        plain = not (
            parts.path.strip("/") or parts.query or parts.fragment or parts.username or parts.password
        )
        host = (parts.hostname or "").lower()
        if parts.scheme != "https" or not plain or not _HOST.fullmatch(host):
            raise WorkspaceError(
                f"'{public_url}' is no public address. Give it as https://review.example.org, as browsers show it."
            )
        hosts.append(host)
        origins.append(
            f"https://{host}" if _port(public_url) is None else f"https://{host}:{_port(public_url)}"
        )
    return {"server.allowedHosts": hosts, "server.corsAllowedOrigins": origins}


def _address(url: str) -> SplitResult:
    """Return the parts of an address; none where it holds what browsers show in none, which would be passed over."""
    try:
        return urlsplit(url if url.isprintable() and " " not in url else "")
    except ValueError:
        return urlsplit("")


def _port(url: str) -> int | None:
    try:
        return urlsplit(url).port
    except ValueError as error:
        raise WorkspaceError(f"'{url}' has no valid port. Give the address as browsers show it.") from error
