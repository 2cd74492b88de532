"""A little statistics, for tests that compare times.

`rank_sum` is the test of Mann and Whitney: the probability that two samples of the same thing differ in their ranks as much as these do.
It asks nothing about how the times are distributed, and a few wild ones do it no harm.
"""
import math


def percentile(values, percent):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]


def ranks(values):
    """Each value's place, 1 the least; equal ones share the mean of theirs. And the sum of t^3 - t over groups of equals."""
    order = sorted(range(len(values)), key=values.__getitem__)
    places, ties, at = [0.0] * len(values), 0, 0
    while at < len(order):
        end = at
        while end < len(order) and values[order[end]] == values[order[at]]:
            end += 1
        for place in order[at:end]:
            places[place] = (at + 1 + end) / 2
        ties += (end - at) ** 3 - (end - at)
        at = end
    return places, ties


def rank_sum(one, other):
    """Two-sided, by the normal approximation: for samples of 20 and more."""
    places, ties = ranks([*one, *other])
    m, n = len(one), len(other)
    total = m + n
    u = sum(places[:m]) - m * (m + 1) / 2
    variance = m * n / 12 * (total + 1 - ties / (total * (total - 1)))
    if variance <= 0:
        return 1.0
    z = max(0.0, abs(u - m * n / 2) - 0.5) / math.sqrt(variance)
    return math.erfc(z / math.sqrt(2))
