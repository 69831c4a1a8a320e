"""Elo ratings of a little league from a list of games; returns the table and how well it predicted."""

from collections import defaultdict, namedtuple

Game = namedtuple("Game", ["home", "away", "result"])

GAMES = [
    Game("Ajax", "Benfica", 1.0),
    Game("Benfica", "Celtic", 0.5),
    Game("Celtic", "Ajax", 0.0),
    Game("Ajax", "Celtic", 0.5),
    Game("Benfica", "Ajax", 1.0),
]


def expected(a, b, scale):
    return 1 / (1 + 10 ** ((b - a) / scale))


def season(k=24.0, home_advantage=60.0, start=1500.0, scale=400.0):
    rating = defaultdict(lambda: start)
    surprise = []
    for game in GAMES:
        p = expected(rating[game.home] + home_advantage, rating[game.away], scale)
        delta = k * (game.result - p)
        rating[game.home] += delta
        rating[game.away] -= delta
        surprise.append((game.result - p) ** 2)
    table = sorted(rating.items(), key=lambda item: item[1], reverse=True)
    for place, (team, points) in enumerate(table, 1):
        print(f"{place}. {team:<10}{points:8.1f}")
    return sum(surprise) / len(surprise), dict(table)
