"""Two oracles that share no line agree on what the optimum is: decimals, and mpmath.

The bounds of `convex.optimum` are checked against Newton's method in Python's decimals
(`decimal_optimum`). Here mpmath is asked, in another arithmetic, with another `exp`, and of the
function itself: beside that point it is greater in the direction of every weight.
"""

from fractions import Fraction

import mpmath
import pytest

from tests.unlearning.convex.decimal_optimum import DIGITS, decimals_of, features
from tests.unlearning.convex.test_logistic_part import (
    ADVERSARIAL,
    at_a_boundary,
    fractions_of,
    stand,
)
from unlearning.convex import optimum

PROBLEMS = {**ADVERSARIAL, "at a boundary": at_a_boundary()[:2]}


def objective(there, penalty, point):
    """Return the losses of rows and half of the penalty times all squares, as mpmath adds them."""
    classes, labels = len(there.classes), len(point)
    loss = mpmath.mpf(penalty) / 2 * mpmath.fsum(one**2 for column in point for one in column)
    for row, which, count in features(there):
        values = [mpmath.mpf(one.numerator) / one.denominator for one in row]
        logits = [mpmath.mpf(0)] * (classes - labels)
        logits += [mpmath.fdot(values, column) for column in point]
        most = max(logits)
        loss += count * (most - logits[which])
        loss += count * mpmath.log(mpmath.fsum(mpmath.exp(one - most) for one in logits))
    return loss


@pytest.mark.parametrize("name", PROBLEMS)
def test_at_the_optimum_mpmaths_function_is_flat_and_beside_it_it_is_greater(name):
    some, penalty = PROBLEMS[name]
    there = stand(some)
    found = optimum.optimum(there, penalty=penalty)
    true = decimals_of(there, penalty, fractions_of(found))
    with mpmath.workdps(2 * DIGITS):
        point = [[mpmath.mpf(str(one)) for one in column] for column in true]
        least, step = objective(there, penalty, point), mpmath.mpf(10) ** -20
        for column in point:
            for place, kept in enumerate(column):
                both = []
                for way in (step, -step):
                    column[place] = kept + way
                    both.append(objective(there, penalty, point))
                column[place] = kept
                assert min(both) > least
                slope = (both[0] - both[1]) / (2 * step)
                bent = (both[0] + both[1] - 2 * least) / step**2
                assert abs(slope) < mpmath.mpf(10) ** -15 * bent  # as far as a third power goes
        rho = Fraction(found.rho)
        apart = mpmath.sqrt(
            mpmath.fsum(
                (mpmath.mpf(mine.numerator) / mine.denominator - its) ** 2
                for mine_of, its_of in zip(fractions_of(found), point, strict=True)
                for mine, its in zip(mine_of, its_of, strict=True)
            )
        )
        assert apart <= mpmath.mpf(rho.numerator) / rho.denominator
