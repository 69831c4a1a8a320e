"""Cleans the readings of a weather station: outliers by their z-score, a moving average, a report as text."""

import itertools
import statistics


def rolling(values, width=3):
    window = list(itertools.islice(values, width))
    yield statistics.mean(window)
    for value in values:
        window.pop(0)
        window.append(value)
        yield statistics.mean(window)


def without_outliers(values, limit):
    center, spread = statistics.median(values), statistics.stdev(values)
    kept = [value for value in values if abs(value - center) / spread < limit]
    return kept or values


def report(readings, offset=-0.3, limit=1.8):
    corrected = [reading * 1.02 + offset for reading in readings]
    clean = without_outliers(corrected, limit)
    smooth = list(rolling(iter(clean)))
    warmest = max(range(len(smooth)), key=smooth.__getitem__)
    lines = ["%2d %6.2f" % (hour, value) for hour, value in enumerate(smooth)]
    lines.append(
        f"mean {statistics.fmean(smooth):.2f} +- {statistics.pstdev(smooth):.2f}, warmest: {warmest}"
    )
    print("\n".join(lines))
    return statistics.fmean(smooth), statistics.pvariance(smooth), smooth[warmest]


READINGS = [11.2, 11.9, 12.4, 31.0, 13.8, 14.1, 13.5]
