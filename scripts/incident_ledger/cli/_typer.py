"""Typer without two imports that take longer than the rest of it and that help and completion have no use for.

It imports pydantic to convert a value also where there is none, and where one is only being completed; and all of
Rich's rendering to take markup out of help, of which this help has none. These are undocumented parts of Typer: where
another version has them elsewhere, help and completion are slower and otherwise the same, and a test says so.
"""

import dataclasses
from typing import Any


def leave_out_imports() -> None:
    """From now on, in this process."""
    try:
        from typer import _completion_classes, core
        from typer._coercion import RuntimeParam, TypeDescriptor, build_runtime_param
    except ImportError:
        return

    @dataclasses.dataclass(frozen=True)
    class Deferred(RuntimeParam):
        """A conversion that is made ready for the first value that there is."""

        descriptor: TypeDescriptor

        def _coerce_value(self, value: Any, param: Any, ctx: Any) -> Any:
            if ctx.resilient_parsing:  # completes: nothing reads what was given before
                return value
            return build_runtime_param(self.descriptor)._coerce_value(value, param=param, ctx=ctx)

    def deferred(descriptor: TypeDescriptor) -> RuntimeParam:
        return Deferred(descriptor.parameter_info, descriptor.annotation, descriptor)

    core.build_runtime_param = deferred  # type: ignore[attr-defined]
    _completion_classes._sanitize_help_text = lambda text: text
