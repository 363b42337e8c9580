"""Models on the Hugging Face hub: fetched into its client's cache, pinned by revision, pushed.

What is fetched are the files of a model directory by their names (see `spaces.storage`), so neither
code nor pickled weights of a repository ever arrive. Cache, offline mode, token and mirror are the
client's own: HF_HOME, HF_HUB_OFFLINE=1, HF_TOKEN or `hf auth login`, HF_ENDPOINT.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from spaces.errors import ConfigError, ModelError, SpacesError
from spaces.storage import CARD, FILES

__all__ = ["fetch", "locate", "upload"]

_NAME = r"\w[\w.-]*"
_REPOSITORY = re.compile(rf"({_NAME}/{_NAME})(?:@(\S+))?", re.ASCII)


def locate(
    path: str | Path | None, revision: str | None = None, files: Sequence[str] = FILES
) -> Path | None:
    """The folder of a model; None, the default model of this package, stays None.

    A path that exists is that path, whatever it looks like; so is every `Path`. A string like
    "owner/name" that does not exist is a repository of the hub, at `revision`: a branch, a tag or a
    commit; "owner/name@revision" says the same. Everything else is a path. Of a repository `files`
    are fetched, and its card.

    Raises ConfigError for the revision of a folder and for two revisions, ModelError where the hub
    has no such model or it cannot be fetched.
    """
    found = None
    if isinstance(path, str) and not Path(path).exists():
        found = _REPOSITORY.fullmatch(path)
    if found is None:
        if revision is not None:
            raise ConfigError(
                f"revision: expected owner/name of the hub to go with {revision}, "
                f"got {'the default model' if path is None else f'the folder {path}'}: leave it out"
            )
        return None if path is None else Path(path)
    repository, named = found.groups()
    if named is not None and revision is not None and named != revision:
        raise ConfigError(f"revision: expected one, got {named} and {revision}: leave one out")
    return fetch(repository, named or revision, files)


def fetch(repository: str, revision: str | None = None, files: Sequence[str] = FILES) -> Path:
    """The folder in the cache that holds a model of the hub; its files come only when they are not
    there yet.

    Raises ModelError, one line with what to do.
    """
    from huggingface_hub import snapshot_download

    told = repository if revision is None else f"{repository}@{revision}"
    try:
        with _quiet_unless_terminal():
            folder = snapshot_download(repository, revision=revision, allow_patterns=[*files, CARD])
    except Exception as error:  # the client's, and those of the HTTP library below it
        raise _explained(error, told) from error
    if not Path(folder, "config.json").is_file():
        raise ModelError(
            f"{told}: expected a model of this package (as push_to_hub writes it), found a "
            "repository without config.json: check the name"
        )
    return Path(folder)


def upload(
    folder: Path,
    repository: str,
    *,
    private: bool = False,
    token: str | None = None,
    message: str,
) -> str:
    """Push the files of a model directory, its card too, in one commit; the commit's address.

    A repository that is not there is made, private if wanted. Raises ModelError, ConfigError for a
    name that is none.
    """
    from huggingface_hub import HfApi

    found = _REPOSITORY.fullmatch(repository)
    if found is None or found[2]:
        raise ConfigError(f"repository: expected owner/name, got {repository!r}")
    try:
        with _quiet_unless_terminal():
            api = HfApi(token=token)
            # None leaves it to the owner: an organization may want all of its own private
            api.create_repo(repository, private=private or None, exist_ok=True)
            commit = api.upload_folder(
                repo_id=repository,
                folder_path=folder,
                allow_patterns=[*FILES, CARD],
                commit_message=message,
            )
    except Exception as error:
        raise _explained(error, repository) from error
    return str(commit.commit_url)


def _explained(error: Exception, told: str) -> SpacesError:
    """What went wrong between here and the hub, in one line."""
    from huggingface_hub import constants, errors

    log_in = "log in with `hf auth login`, or set HF_TOKEN"
    status = getattr(getattr(error, "response", None), "status_code", None)
    if isinstance(error, errors.GatedRepoError):
        return ModelError(
            f"{told}: its owners have to let you in: ask on the page of the model, then {log_in}"
        )
    if isinstance(error, errors.RevisionNotFoundError):
        return ModelError(
            f"{told}: the hub has the model, but no such revision: expected a branch, a tag or a "
            "commit"
        )
    if isinstance(error, errors.RepositoryNotFoundError):
        return ModelError(
            f"{told}: no such folder here, and no such model on the hub: check the spelling; "
            f"if it is private, {log_in}"
        )
    if isinstance(error, errors.HFValidationError):
        return ConfigError(f"{told}: expected owner/name as the hub has them: {_line(error)}")
    if isinstance(error, errors.LocalTokenNotFoundError) or status in (401, 403):
        return ModelError(f"{told}: the hub refused: {log_in}, with a token that may do this")
    if constants.is_offline_mode() or isinstance(error, errors.OfflineModeIsEnabled):
        return ModelError(
            f"{told}: no such folder here, not whole in the cache, and the hub is switched off: "
            "unset HF_HUB_OFFLINE once to fetch it, or name a model directory"
        )
    if isinstance(error, errors.LocalEntryNotFoundError):
        return ModelError(
            f"{told}: no such folder here, not whole in the cache, and the hub cannot be reached: "
            "check the network (HTTPS_PROXY, HF_ENDPOINT), or name a model directory"
        )
    return ModelError(f"{told}: the hub could not be used: {_line(error)}")


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__


@contextmanager
def _quiet_unless_terminal() -> Iterator[None]:
    """The client's bars only where somebody sees them."""
    from huggingface_hub import utils

    switch_off = not sys.stderr.isatty() and not utils.are_progress_bars_disabled()
    if switch_off:
        utils.disable_progress_bars()
    try:
        yield
    finally:
        if switch_off:
            utils.enable_progress_bars()
