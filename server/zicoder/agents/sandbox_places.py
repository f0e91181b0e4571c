"""What a sandbox covers and what it keeps from being written: places of secrets, and what runs later outside.

Looks at the disk and changes nothing. What is not there cannot be covered.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import platformdirs

from zicoder.settings import user_settings_path

__all__ = ["hidden", "kept"]

_HOME_SECRETS = """
    .ssh .aws .azure .gnupg .kube .docker .oci .password-store .terraform.d .config/gcloud .config/gh .config/glab-cli
    .config/hub .config/op .config/rclone .config/git/credentials .config/doctl .config/heroku .config/configstore
    .config/google-chrome .config/chromium .config/BraveSoftware .config/Code .mozilla .thunderbird .cache/keyring
    .local/share/keyrings .local/share/kwalletd .local/share/fish/fish_history .netrc .pgpass .my.cnf .npmrc .yarnrc
    .yarnrc.yml .pypirc .git-credentials .vault-token .boto .s3cfg .bash_history .zsh_history .python_history
    .node_repl_history .psql_history .mysql_history .lesshst .viminfo .cargo/credentials .cargo/credentials.toml
    .gem/credentials .m2/settings.xml .m2/settings-security.xml .gradle/gradle.properties .composer/auth.json
    .huggingface .cache/huggingface/token .kaggle .jupyter .ICEauthority .Xauthority .electrum .bitcoin
    Library/Keychains
"""
_SYSTEM_SECRETS = ("/etc/shadow", "/etc/gshadow", "/etc/ssh", "/etc/sudoers", "/etc/sudoers.d", "/etc/krb5.keytab")
_READ_ONLY: tuple[str, ...] = (
    *(".git/hooks", ".git/config", ".git/info", ".git/modules"),
    *(".zicoder", ".vscode", ".idea", ".envrc", ".husky"),
)
"""In the project, what makes programs run later, outside the sandbox."""


def hidden(root: Path) -> Iterator[str]:
    """What is covered: secrets that are there, links followed (one cannot be covered itself), each once.

    A folder that holds the project is covered before the project is laid over it.
    """
    home = Path.home()
    places = [home / name for name in _HOME_SECRETS.split()]
    own = ("data", "cache", "log")
    folders = (platformdirs.user_data_path, platformdirs.user_cache_path, platformdirs.user_log_path)
    for name, folder in zip(own, folders, strict=True):
        override = os.environ.get(f"ZI_{name.upper()}_DIR")
        places.append(Path(override) if override else folder("zicoder"))
    places += [user_settings_path().parent, *map(Path, _SYSTEM_SECRETS)]
    found = dict.fromkeys(os.path.realpath(place) for place in places)
    covered = ("/tmp/", "/var/tmp/", "/run/", "/dev/", "/proc/")  # noqa: S108 - empty already
    for place in found:
        with contextlib.suppress(OSError):
            empty = f"{place}/".startswith(covered) and not Path(place).is_relative_to(root)
            if os.path.lexists(place) and place not in {"/", str(root)} and not empty:
                yield place


def kept(root: Path) -> Iterator[str]:
    """What stays read-only in the project. Where a part of `.git` that runs programs is missing, all of `.git`."""
    git = root / ".git"
    names = [*_READ_ONLY]
    if git.is_file() or (git.is_dir() and not ((git / "hooks").is_dir() and (git / "config").is_file())):
        names.append(".git")
    for name in names:
        place = root / name
        if os.path.lexists(place) and not place.is_symlink() and os.path.realpath(place) == str(place):
            yield str(place)
