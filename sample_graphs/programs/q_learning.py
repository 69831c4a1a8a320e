"""Q-learning on a corridor with a pit, deterministic and with a table of floats; returns the value of the start."""

import random


class Corridor:
    def __init__(self, length, reward, penalty):
        self.length, self.reward, self.penalty = length, reward, penalty

    def step(self, position, action):
        position += 1 if action == "right" else -1
        if position < 0:
            return 0, self.penalty, True
        if position == self.length:
            return position, self.reward, True
        return position, -0.05, False


def learn(alpha=0.4, gamma=0.9, reward=1.0, penalty=-1.0, episodes=12, length=4):
    env, actions = Corridor(length, reward, penalty), ("left", "right")
    q = {(s, a): 0.0 for s in range(length + 1) for a in actions}
    dice = random.Random(1)
    for _ in range(episodes):
        state, done = 1, False
        while not done:
            if dice.random() < 0.3:
                action = dice.choice(actions)
            else:
                action = max(actions, key=lambda a: q[state, a])
            after, r, done = env.step(state, action)
            best = 0.0 if done else max(q[after, a] for a in actions)
            q[state, action] += alpha * (r + gamma * best - q[state, action])
            state = after
    return max(q[1, a] for a in actions)
