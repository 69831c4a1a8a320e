"""A soft decision tree as nested dicts: recursion over the branches, predictions averaged by probability."""

from math import exp

TREE = {
    "feature": "age",
    "threshold": 40.0,
    "left": {"feature": "income", "threshold": 2.5, "left": 0.1, "right": 0.7},
    "right": {
        "feature": "income",
        "threshold": 1.5,
        "left": 0.3,
        "right": {"feature": "age", "threshold": 60.0, "left": 0.9, "right": 0.5},
    },
}


def predict(node, person, temperature=1.0):
    if not isinstance(node, dict):
        return node
    gap = person[node["feature"]] - node["threshold"]
    right = 1 / (1 + exp(-gap / (temperature * (10 if node["feature"] == "age" else 1))))
    return (1 - right) * predict(node["left"], person, temperature) + right * predict(
        node["right"], person, temperature
    )


def brier(tree, people, outcomes, temperature=1.0):
    predictions = [predict(tree, person, temperature) for person in people]
    return sum((p - o) ** 2 for p, o in zip(predictions, outcomes)) / len(outcomes), predictions


PEOPLE = [{"age": 25.0, "income": 3.0}, {"age": 52.0, "income": 1.2}, {"age": 71.0, "income": 2.0}]
OUTCOMES = [True, False, True]
