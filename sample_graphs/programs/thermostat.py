"""A heating system as a state machine: what a winter night costs, by the minute."""

OUTSIDE = [4, 3, 3, 2, 1, 0, 0, -1, -2, -2, -1, 0]

TRANSITIONS = {
    "idle": lambda room, target: "heating" if room < target - 0.5 else "idle",
    "heating": lambda room, target: (
        "boost" if room < target - 2 else "idle" if room > target + 0.3 else "heating"
    ),
    "boost": lambda room, target: "heating" if room > target - 1 else "boost",
}


class House:
    power = {"idle": 0.0, "heating": 1.0, "boost": 1.8}

    def __init__(self, room, insulation):
        self.room = room
        self.insulation = insulation
        self.state = "idle"
        self.counts = dict.fromkeys(self.power, 0)

    def tick(self, outside, target, heater):
        loss = (self.room - outside) / self.insulation
        self.room = self.room + heater * self.power[self.state] - loss
        self.state = TRANSITIONS[self.state](self.room, target)
        self.counts[self.state] += 1


def night(room=17.0, target=20.0, insulation=25.0, heater=1.1, price=0.31):
    house = House(room, insulation)
    cost, discomfort = 0.0, 0.0
    for hour, outside in enumerate(OUTSIDE):
        house.tick(outside, target, heater)
        cost += price * heater * house.power[house.state] * (0.8 if hour >= 6 else 1.0)
        discomfort += (house.room - target) ** 2
    print("states:", ", ".join(f"{name} {count}x" for name, count in house.counts.items()))
    return {"cost": cost, "discomfort": discomfort, "end": house.room, "state": house.state}
