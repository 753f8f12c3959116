"""The model hub: what a revision holds, and one file of it, by huggingface_hub's client and `sgid.download`.

The client asks, authorises and names errors. The bytes come by `sgid.download`, for the client (1.x and 2.x alike)
begins a file anew in the next process, and some files have gigabytes.
"""

import hashlib
import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from huggingface_hub import HfApi, hf_hub_url

# HTTPError is of httpx or of httpx2, whichever this huggingface_hub is built on.
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    HTTPError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.utils import build_hf_headers
from tenacity import Retrying, before_sleep_log, retry_if_exception_type, stop_after_attempt, wait_exponential_jitter

from sgid.download import FRUITLESS_TRIES, LONGEST_WAIT, RemoteFile, WrongFileError, download
from sgid.runtime import file_hash
from sgid.transfer import BUSY, InterruptedTransferError, RefusedError

LOG = logging.getLogger("sgid.hub")
TIMEOUT = 60  # seconds of silence
Answer = TypeVar("Answer")


class OfflineError(OSError):
    """The hub's client was told by HF_HUB_OFFLINE not to use the network."""


@dataclass(frozen=True)
class HubFile:
    """A file of a revision: its name there, and how it is known, by sha256 (large files) or by git's id of its blob."""

    file: str
    bytes: int
    sha256: str | None = None
    blob: str | None = None

    def difference(self, path: Path) -> str:
        """What is wrong with the file at a path, as the middle of a sentence; empty where nothing is."""
        if not path.is_file():
            return "it is not there"
        if path.stat().st_size != self.bytes:
            return f"it has {path.stat().st_size:,} bytes where {self.bytes:,} are expected"
        kind, known, found = ("sha256", self.sha256, file_hash) if self.sha256 else ("git blob id", self.blob, blob_id)
        have = found(path)
        return "" if have == known else f"its {kind} is {have} where {known} is expected"


@dataclass(frozen=True)
class Revision:
    """One commit of a repository, its licence if the hub tells one, and its files by name."""

    id: str
    commit: str
    licence: str | None
    files: Mapping[str, HubFile]


class Hub:
    """A hub at an address (HF_ENDPOINT where none is given). `patience`: seconds before a second try."""

    def __init__(self, endpoint: str | None = None, *, patience: float = 1.0):
        self.api = HfApi(endpoint=endpoint)
        self.patience = patience

    def revision(self, name: str, revision: str) -> Revision:
        """What a repository holds at a commit, branch, tag or `refs/pr/N`.

        Raises RefusedError where the hub does not have it or does not give it, InterruptedTransferError where the hub
        cannot be reached, OfflineError.
        """
        info = self._ask(
            lambda: self.api.model_info(name, revision=revision, files_metadata=True, timeout=TIMEOUT), name, revision
        )
        if not info.sha:
            raise RefusedError(f"{self.api.endpoint} does not tell which commit of {name} {revision} is")
        if re.fullmatch("[0-9a-f]{40}", revision) and info.sha != revision:
            raise RefusedError(f"{self.api.endpoint} answers with commit {info.sha}, which is not the one asked for")
        files = {each.rfilename: self._described(name, each) for each in info.siblings}
        licence = info.card_data.get("license") if info.card_data else None
        return Revision(name, info.sha, licence, files)

    def _described(self, name: str, sibling) -> HubFile:
        sha256 = sibling.lfs.sha256 if sibling.lfs else None
        if sibling.size is None or not (sha256 or sibling.blob_id):
            raise RefusedError(f"{self.api.endpoint} tells neither size nor hash of {name}'s {sibling.rfilename}")
        return HubFile(sibling.rfilename, sibling.size, sha256, None if sha256 else sibling.blob_id)

    def bring(self, name: str, commit: str, wanted: HubFile, final: Path) -> None:
        """Fetch one file, verified; an interrupted download is continued. Errors as of `revision`."""
        final.parent.mkdir(parents=True, exist_ok=True)
        url = hf_hub_url(name, wanted.file, revision=commit, endpoint=self.api.endpoint)
        # Who may not have the file is told by the client's own errors, before the transfer.
        self._ask(lambda: self.api.get_hf_file_metadata(url=url, timeout=TIMEOUT), name, commit)
        known = {"bytes": wanted.bytes, "sha256": wanted.sha256}
        remote = RemoteFile(wanted.file, **known, headers=build_hf_headers())
        download(url, remote, final, patience=self.patience)
        wrong = wanted.difference(final) if not wanted.sha256 else ""
        if wrong:
            final.unlink()
            raise WrongFileError(f"{wanted.file}: {wrong}; it is removed")

    def _ask(self, question: Callable[[], Answer], name: str, revision: str) -> Answer:
        """The answer, asked for again while the hub is busy or out of reach."""
        trying = Retrying(
            retry=retry_if_exception_type(InterruptedTransferError),
            stop=stop_after_attempt(FRUITLESS_TRIES),
            wait=wait_exponential_jitter(
                multiplier=self.patience, max=LONGEST_WAIT * self.patience, jitter=self.patience
            ),
            before_sleep=before_sleep_log(LOG, logging.WARNING),
            reraise=True,
        )
        return trying(self._asked, question, name, revision)

    def _asked(self, question: Callable[[], Answer], name: str, revision: str) -> Answer:
        """The answer, or the error of `sgid.transfer` that says what to do."""
        page = f"{self.api.endpoint}/{name}"
        try:
            return question()
        except OfflineModeIsEnabled as error:
            raise OfflineError("HF_HUB_OFFLINE is set, so the hub is not asked") from error
        except GatedRepoError as error:
            raise RefusedError(
                f"{name} is given only to who accepts its licence: accept it at {page} and set HF_TOKEN to a token of "
                "that account"
            ) from error
        except RepositoryNotFoundError as error:
            raise RefusedError(f"there is no {page}, or it is private (then set HF_TOKEN)") from error
        except RevisionNotFoundError as error:
            raise RefusedError(f"{name} has no revision {revision} (have: {page}/commits/main)") from error
        except HfHubHTTPError as error:
            raise told(error, name) from error
        except HTTPError as error:
            raise InterruptedTransferError(f"{self.api.endpoint} is out of reach ({error})") from error
        except (ValueError, KeyError, TypeError) as error:
            raise RefusedError(f"what {self.api.endpoint} says of {name} is not a hub's answer ({error!r})") from error


def told(error: HfHubHTTPError, name: str) -> RefusedError | InterruptedTransferError:
    """The error behind a status: a busy hub does better in a while, any other answer is final."""
    status = error.response.status_code
    if status in BUSY:
        return InterruptedTransferError(f"the hub answers {status} for {name}")
    advice = ", as it does for what is not there, private or gated; check the id and HF_TOKEN"
    return RefusedError(f"the hub answers {status} for {name}{advice if status in (401, 403) else ''}")


def blob_id(path: str | Path) -> str:
    """Git's id of a file's bytes."""
    data = Path(path).read_bytes()
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
