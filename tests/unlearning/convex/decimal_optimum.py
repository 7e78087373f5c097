"""The optimum of logistic regression in sixty digits: another way to it, by Python's decimals."""

from decimal import Decimal, localcontext
from fractions import Fraction

DIGITS = 60


def features(rows):
    """Return the rows of a `StandingRows`, in fractions, each with its class and its count."""
    found = []
    for place in range(len(rows.counts)):
        numbers = [
            Fraction(int(one)) / 2**power
            for one, power in zip(rows.numbers[place], rows.powers, strict=True)
        ]
        entries = [Fraction(0)] * (len(rows.keys) + 1)
        for code in rows.codes[:, place]:
            entries[code] = Fraction(1)
        row = [Fraction(1), *numbers, *entries[:-1]]
        found.append((row, int(rows.which[place]), int(rows.counts[place])))
    return found


def decimals_of(rows, penalty, start, steps=60):
    """Return the optimum (L lists of width), by Newton's method from near it."""
    with localcontext() as context:
        context.prec = DIGITS
        terms = [([_decimal(one) for one in row], y, Decimal(c)) for row, y, c in features(rows)]
        classes = len(rows.classes)
        labels, width = len(start), len(start[0])
        point = [_decimal(one) for column in start for one in column]
        held = Decimal(penalty)
        for _ in range(steps):
            gradient = [held * one for one in point]
            curved = [[Decimal(0)] * len(point) for _ in point]
            for place in range(len(point)):
                curved[place][place] = held
            for row, which, count in terms:
                shares = _shares(row, point, classes, labels)
                for one in range(labels):
                    number = classes - labels + one
                    pull = count * (shares[number] - (number == which))
                    for at, value in enumerate(row):
                        gradient[one * width + at] += pull * value
                    for other in range(labels):
                        its = classes - labels + other
                        weight = count * shares[number] * ((number == its) - shares[its])
                        for at, value in enumerate(row):
                            for to, second in enumerate(row):
                                curved[one * width + at][other * width + to] += (
                                    weight * value * second
                                )
            step = _solved(curved, gradient)
            point = [one - by for one, by in zip(point, step, strict=True)]
            if max(map(abs, step), default=0) < Decimal(10) ** -45:
                return [point[one * width : (one + 1) * width] for one in range(labels)]
    raise AssertionError("the oracle does not converge")


def _decimal(value):
    exact = Fraction(value)
    return Decimal(exact.numerator) / Decimal(exact.denominator)


def _shares(row, point, classes, labels):
    width = len(row)
    logits = [Decimal(0)] * (classes - labels)
    for label in range(labels):
        weights = point[label * width : (label + 1) * width]
        logits.append(sum((a * b for a, b in zip(row, weights, strict=True)), Decimal(0)))
    most = max(logits)
    powers = [(one - most).exp() for one in logits]
    return [one / sum(powers) for one in powers]


def _solved(matrix, wanted):
    rows = [[*row, one] for row, one in zip(matrix, wanted, strict=True)]
    for place in range(len(rows)):
        pivot = max(range(place, len(rows)), key=lambda at: abs(rows[at][place]))
        rows[place], rows[pivot] = rows[pivot], rows[place]
        for other in range(place + 1, len(rows)):
            factor = rows[other][place] / rows[place][place]
            rows[other] = [a - factor * b for a, b in zip(rows[other], rows[place], strict=True)]
    found = [Decimal(0)] * len(rows)
    for place in reversed(range(len(rows))):
        known_part = sum(
            (rows[place][at] * found[at] for at in range(place + 1, len(rows))), Decimal(0)
        )
        found[place] = (rows[place][-1] - known_part) / rows[place][place]
    return found
