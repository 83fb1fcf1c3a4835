"""Writes fixtures.csv: values of SciPy and statsmodels that the tests hold the kernels against.

    pip install scipy statsmodels && python fixtures.py > fixtures.csv

Rows are: function, arguments with spaces between, results with spaces between.
"""
import random

from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint, proportions_ztest


def row(name, arguments, results):
    print(name, " ".join(map(repr, map(float, arguments))), " ".join(map(repr, map(float, results))), sep=",")


random.seed(7)
print("function,arguments,results")
counts = [(0, 1), (1, 1), (0, 20), (20, 20), (3, 10), (50, 100), (7, 1000), (123456, 9876543)]
for k, n in counts:
    for confidence in (0.5, 0.9, 0.95, 0.99, 0.9999):
        row("wilson", (k, n, confidence), proportion_confint(k, n, 1 - confidence, "wilson"))
pairs = [((a, n), (b, m)) for a, n in counts for b, m in counts]
for _ in range(40):
    n, m = random.randint(1, 5000), random.randint(1, 5000)
    pairs.append(((random.randint(0, n), n), (random.randint(0, m), m)))
for (a, n), (b, m) in pairs:
    if 0 < a + b < n + m:
        row("two_proportion_z", (a, n, b, m), proportions_ztest([a, b], [n, m]))
    if n > 1 and m > 1:
        row("difference", (a, n, b, m, 0.95), confint_proportions_2indep(a, n, b, m, method="newcomb"))
for size in (1, 2, 3, 6, 10, 45):
    for spread in (1.0, 0.05):
        p = [random.random() * spread for _ in range(size)]
        row("holm", p, multipletests(p, method="holm")[1])
row("holm", [0.01, 0.01, 0.03, 0.03], multipletests([0.01, 0.01, 0.03, 0.03], method="holm")[1])
for rate in (0.001, 0.05, 0.3, 0.9):
    for n, m in ((10, 10), (1000, 1000), (500, 20000)):
        quantiles = stats.norm.ppf(1 - 0.05 / 2) + stats.norm.ppf(0.8)
        row("min_detectable_effect", (rate, n, m), [quantiles * (rate * (1 - rate) * (1 / n + 1 / m)) ** 0.5])
# Chance that the first of two posteriors Beta(1 + k, 1 + n - k) is the larger, by integration.
for (a, n), (b, m) in [((3, 10), (5, 10)), ((0, 0), (2, 4)), ((50, 1000), (60, 1000)), ((5, 5), (900, 1000))]:
    first, second = stats.beta(1 + a, 1 + n - a), stats.beta(1 + b, 1 + m - b)
    row("better", (a, n, b, m), [first.expect(second.cdf, epsabs=1e-12, epsrel=1e-12)])
