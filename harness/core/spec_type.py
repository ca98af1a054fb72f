"""The class of classes of specs, which says in one line what is wrong with the arguments of one."""

from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError

from harness.core.errors import SpecError
from harness.core.explain import explain

__all__ = ["SpecType"]

if TYPE_CHECKING:
    from pydantic._internal._model_construction import ModelMetaclass
else:
    ModelMetaclass = type(BaseModel)


class SpecType(ModelMetaclass):
    """Makes specs from Python; pydantic itself makes those that are read from JSON, or are part of another."""

    if not TYPE_CHECKING:  # a type checker takes the arguments from the fields

        def __call__(self, *args: Any, **fields: Any) -> Any:
            """Return a spec with `fields`.

            Raises:
                SpecError: a name, a type or a value is wrong, or a value has no name.
            """
            if args:
                names = [name for name in self.model_fields if name != "kind" and name not in fields] or ["name"]
                given = [f"{name}={value!r:.40}" for name, value in zip(names, args, strict=False)]
                example = f"{self.__name__}({', '.join(given)})"
                raise SpecError(
                    f"{self.__name__}: expected fields by name, such as {example}, found {len(args)} without"
                )
            try:
                return super().__call__(**fields)
            except ValidationError as error:
                raise SpecError(explain(error, self.__name__)) from None
