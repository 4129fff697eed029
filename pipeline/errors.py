"""What can go wrong, by who must act.

    SitrepError
    ├── MonitorError        the submitted file or report must be mended
    │   └── InputRefused    a whole file of another tool cannot be taken in (not its format, unknown labels)
    ├── OperatorError       settings, policy, disk, database, model files
    │   ├── ConfigurationError
    │   ├── StoreError
    │   ├── MailboxError
    │   └── ModelError
    ├── NotFound            no such report, batch or queue (or none that this person may see)
    ├── Conflict            somebody else was faster (`store.work`)
    ├── Held                what was to be erased is under a legal hold (`custody.holds`)
    └── NotBelieved         what an OpenID provider says does not hold (`review.oidc`)

A submitted file or row that cannot be taken in raises nothing that comes out of intake: it is quarantined.

A message says what happened and what to do, and never contains report text.
"""

from __future__ import annotations


class SitrepError(Exception):
    """Root of all errors that Sitrep raises on purpose."""


class MonitorError(SitrepError):
    """The submitter must mend something."""


class InputRefused(MonitorError):
    """A whole file is refused; `reason` is a stable code such as `unknown_layout`."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class OperatorError(SitrepError):
    """The operator must mend something."""


class ConfigurationError(OperatorError):
    """Settings, policy or taxonomy are wrong; the message names file, line or key, and the remedy."""


class StoreError(OperatorError):
    """The database is missing, locked, too old or broken."""


class MailboxError(OperatorError):
    """The mail server cannot be reached or trusted, or refuses the sign-in or the folder."""


class ModelError(OperatorError):
    """Model files are missing, altered or unusable."""


class NotFound(SitrepError):
    """Nothing by that name that this person may see."""
