"""Everything that can be refused, as one tree.

Each message says what was asked, what was found, and what to do. The doors (command line and
pages) translate a HitlError once into their own form; anything else is a fault of ours.

    HitlError
    ├── ProjectFileError        project.toml does not say what it must
    ├── WorkspaceError          the folder or its database can't be used
    │   ├── WorkspaceMissing    there is no workspace there yet
    │   └── StoreUnavailable    the log can't be written, so the act did not happen
    ├── IntakeError             a file of cases or outcomes was refused
    ├── ModelError              a model can't be trained, read or used
    │   ├── NoChampion          there is no model in use
    │   └── ExplanationError    the contributions don't add up to the margin
    ├── ReviewError             a step of the review is not allowed now
    │   ├── NotFound            no such case, prediction or decision
    │   ├── NotCommitted        the model is asked for before the own estimate is stored
    │   ├── Conflict            somebody, or another tab, was there first
    │   └── TooQuick            nobody can have read what was decided
    ├── AccountError            an account, a name or a password can't be so
    ├── NotPermitted            this role may not do that
    │   ├── SignInRefused       who it is was not shown
    │   └── SignatureRefused    the project asks for more proof before this is signed
    ├── AuditError              the log is not as it must be
    └── StudyError              a reader-study table or analysis can't be used
"""

from __future__ import annotations


class HitlError(Exception):
    """Something was asked that can't be done; the message is one sentence for a person."""


class ProjectFileError(HitlError):
    """The project file is not well formed or contradicts itself."""


class WorkspaceError(HitlError):
    """The workspace's folder or database can't be used."""


class WorkspaceMissing(WorkspaceError):
    """There is no workspace where one was expected."""


class StoreUnavailable(WorkspaceError):
    """The database can't be written now; the act was not done and nothing was stored."""


class IntakeError(HitlError):
    """A file of cases or outcomes was refused; nothing of it was stored."""


class ModelError(HitlError):
    """A model can't be trained, read or used."""


class NoChampion(ModelError):
    """There is no model in use."""


class ExplanationError(ModelError):
    """The contributions of an explanation don't add up to the prediction's margin."""


class ReviewError(HitlError):
    """A step of the review is not allowed in the present state."""


class NotFound(ReviewError):
    """The case, prediction or decision that was named does not exist."""


class NotCommitted(ReviewError):
    """The model's view was asked for before the reader's own estimate was stored."""


class Conflict(ReviewError):
    """Another act came first; what was asked would overwrite or double it."""


class TooQuick(ReviewError):
    """The act came sooner after the screen than anybody can read it."""


class NotPermitted(HitlError):
    """The role the person acts in may not do this."""


class AccountError(HitlError):
    """An account can't be made, named, linked or given this password."""


class SignInRefused(NotPermitted):
    """Name and password don't belong together, or too many were tried; the sentence does not say which is wrong."""


class SignatureRefused(NotPermitted):
    """The act was not signed: the password is asked for again, or it was wrong. `why` and `subject` go to the log."""

    def __init__(self, sentence: str, *, subject: str = "", why: str = "") -> None:
        super().__init__(sentence)
        self.subject = subject
        self.why = why


class AuditError(HitlError):
    """The audit log is not as it must be."""


class StudyError(HitlError):
    """A reader-study table or analysis can't be used as asked."""
