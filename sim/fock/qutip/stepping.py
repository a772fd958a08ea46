"""The warning of a step that is too long for an explicit scheme."""

import warnings

__all__ = ["STEP_LIMIT", "StepWarning", "warn_of_step"]

# Measured on pure states (η = 1, no baths), where positivity is lost first: the lowest eigenvalue is −1e-3 (platen) to
# −4e-3 (milstein) at step × rate = 1, −1e-2 at 2, where explicit schemes also become unstable, and −5e-2 at 4.
STEP_LIMIT = 1.0


class StepWarning(UserWarning):
    """A step is too long for the fastest rate of the truncated model."""


def warn_of_step(step: float, step_rate: float, stacklevel: int = 3) -> None:
    """Warn StepWarning if step × fastest rate exceeds ``STEP_LIMIT``."""
    if step_rate > STEP_LIMIT:
        warnings.warn(
            f"the step of {step:.4g} s is {step_rate:.3g} times the shortest time of the truncated model; above "
            f"{STEP_LIMIT:g} explicit schemes lose positivity: use at most {STEP_LIMIT * step / step_rate:.3g} s",
            StepWarning,
            stacklevel=stacklevel,
        )
