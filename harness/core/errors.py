"""Every error this project raises on purpose.

```
HarnessError
├── InputError              something the user typed or wrote cannot be used; the command line exits with 2
│   ├── SpecError           a field has a wrong name, type or value
│   ├── StudyNotFoundError  no study of that name or path
│   ├── StudyChangedError   a study of that name was begun with another spec
│   ├── TapNotFoundError    no module of that path, or its output cannot be read as features
│   ├── ModulePathError     no module of that path, or not one that the operation can change
│   ├── DataError           a data file is missing or is not the publisher's
│   ├── ContractError       a loss component is no scalar, has no gradient, or comes and goes without a growth
│   ├── HomeError           the home folder or its database cannot be used
│   │   └── AwayError       the database's server went away in the middle of a transaction
│   └── StoreError          the stage store cannot be written, or not read
├── SurgeryError            a growth would break a promise; model and optimizer are as they were
├── DivergedError           a loss component is NaN or infinite
├── KilledError             one process after the other was killed in the same stage
├── SnapshotError           stored bytes are not the bytes that were written
├── StageBusyError          the stage that is needed next is being trained already
├── LeaseLostError          another process has taken over what this one was doing
└── InterruptedRunError     training was asked to stop; what was trained is stored
```

A message says what was expected, where, what was found, and what to do.
"""

__all__ = [
    "AwayError",
    "ContractError",
    "DataError",
    "DivergedError",
    "HarnessError",
    "HomeError",
    "InputError",
    "InterruptedRunError",
    "KilledError",
    "LeaseLostError",
    "ModulePathError",
    "SnapshotError",
    "SpecError",
    "StageBusyError",
    "StoreError",
    "StudyChangedError",
    "StudyNotFoundError",
    "SurgeryError",
    "TapNotFoundError",
]


class HarnessError(Exception):
    """Base of all errors that are raised on purpose."""


class InputError(HarnessError):
    """Something the user typed or wrote cannot be used."""


class SpecError(InputError, ValueError):
    """A field of a spec has a wrong name, type or value.

    It is a ValueError, too, so that pydantic says where, if it is raised while a larger spec is checked.
    """


class StudyNotFoundError(InputError):
    """No study of that name or path."""


class StudyChangedError(InputError):
    """A study of that name was begun with another spec."""


class TapNotFoundError(InputError):
    """No module of that path, or its output cannot be read as features."""


class ModulePathError(InputError):
    """No module of that path, or not one that the operation can change."""


class DataError(InputError):
    """A data file is missing or is not the publisher's."""


class ContractError(InputError):
    """A loss component is no scalar, has no gradient, or comes and goes without a growth."""


class HomeError(InputError):
    """The home folder or its database cannot be used."""


class AwayError(HomeError):
    """The database's server went away in the middle of a transaction."""


class StoreError(InputError):
    """The stage store cannot be written, or not read."""


class SurgeryError(HarnessError):
    """A growth would break a promise; model and optimizer are as they were."""


class DivergedError(HarnessError):
    """A loss component is NaN or infinite."""


class KilledError(HarnessError):
    """One process after the other was killed in the same stage."""


class SnapshotError(HarnessError):
    """Stored bytes are not the bytes that were written."""


class StageBusyError(HarnessError):
    """The stage that is needed next is being trained already.

    Attributes:
        key: of the stage.
    """

    def __init__(self, message: str, key: str = "") -> None:
        super().__init__(message)
        self.key = key


class LeaseLostError(HarnessError):
    """Another process has taken over what this one was doing."""


class InterruptedRunError(HarnessError):
    """Training was asked to stop; what was trained is stored."""
