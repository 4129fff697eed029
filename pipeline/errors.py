"""What can go wrong, by who must act.

    SitrepError
    ├── MonitorError        the submitted file or report must be mended
    │   ├── InputRefused    a whole file cannot be taken in (bomb, corrupt, unknown layout)
    │   └── RowQuarantined  one row cannot be taken in; the rest of the batch goes on
    ├── OperatorError       settings, policy, disk, database, model files
    │   ├── ConfigurationError
    │   ├── StoreError
    │   ├── MailboxError
    │   └── ModelError
    └── NotFound            no such report, batch or queue (or none that this person may see)

A message says what happened and what to do, and never contains report text.
"""

from __future__ import annotations


class SitrepError(Exception):
    """Root of all errors that Sitrep raises on purpose."""


class MonitorError(SitrepError):
    """The submitter must mend something."""


class InputRefused(MonitorError):
    """A whole file is refused; `reason` is a stable code such as `zip_bomb`."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class RowQuarantined(MonitorError):
    """One row is set aside; `reason` is a stable code such as `empty_text`."""

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
