"""Results for the tests of the page: a whole one with every part, and what an attacker would write into each."""

import html.parser

import numpy as np

from nandoctor.findings import (
    Alternative,
    Diagnosis,
    Event,
    Fact,
    Location,
    Port,
    Result,
    StepRecord,
    Treatment,
    Verification,
)
from nandoctor.trace.statistics import tensor_stats

SOURCE = """import tensorflow as tf


def distance(u, v):
    squared = tf.reduce_sum(
        tf.square(u - v),  # both branches
        axis=-1,
    )
    return tf.sqrt(squared) / 2


model.fit(x, y)
"""

ENVIRONMENT = {"Time": "2026-11-22 18:16:00 +0000", "Command line": "train.py --epochs 3", "Python": "3.11.2"}


def location(file="/code/train.py", line=9, column=11, end_line=9, end_column=27, code="tf.sqrt(squared)", **changes):
    place = {"line": line, "column": column, "end_line": end_line, "end_column": end_column, "code": code}
    return Location(**{"file": file, "function": "distance", "layer": "functional/distance", **place, **changes})


def event(index, *arrays, place=None, op="SqrtGrad"):
    ports = tuple(Port(producer=index, role="constant", stats=tensor_stats(np.asarray(a))) for a in arrays)
    return Event(
        index=index,
        op=op,
        kind="sqrtgrad",
        phase="backward",
        location=place,
        forward=None,
        inputs=ports[:-1],
        outputs=ports[-1:],
    )


def chain(length=12):
    origin = event(0, np.array([0.0, 2.5], np.float32), np.array([np.inf, 0.2], np.float32), place=location())
    return (origin, *(event(n, np.array([np.nan, 1e-3 * n], np.float32), op=f"Op{n}") for n in range(1, length)))


def diagnosis(**changes):
    return Diagnosis(
        **{
            "cause": "gradient-singularity",
            "code": "ND301",
            "title": "A function is differentiated where its slope is infinite",
            "phase": "backward",
            "step": 30,
            "epoch": 2,
            "batch": 5,
            "summary": "`tf.sqrt(squared)` is evaluated at exactly 0, where its slope is infinite.",
            "location": location(),
            "surfaced": location(line=12, column=0, end_line=12, end_column=15, code="model.fit(x, y)", function=None),
            "origin": chain()[0],
            "chain": chain(),
            "samples": (5, 30),
            "batch_size": 32,
            "evidence": (Fact(text="the argument is 0 in 2 places", values={"surface": "gradient"}),),
            "confidence": 0.9,
            "alternatives": (Alternative(cause="where-trap", code="ND302", confidence=0.45, why="`where` is near"),),
            "treatments": (
                Treatment(
                    remedy="floor",
                    summary="Keep the argument of the root away from 0.",
                    kind="edit",
                    diff="-    return tf.sqrt(squared)\n+    return tf.sqrt(tf.maximum(squared, 1e-12))",
                    safety="safe",
                    verification=Verification(
                        finite=True,
                        gradients_finite=True,
                        still_learns=True,
                        healthy_unchanged=False,
                        steps_replayed=20,
                        seconds=3.21,
                    ),
                ),
                Treatment(remedy="drop", summary="Drop the pairs.", kind="data", code="keep = ids_a != ids_b"),
            ),
            **changes,
        }
    )


def result(*diagnoses, **changes):
    whole = {
        "command": "run",
        "status": "fault",
        "version": "0.1.0",
        "script": "train.py",
        "steps": 29,
        "guard_cost": 0.012,
        "verdict": "reproduced",
        "capsule": ".nandoctor/20261122T181600-step30",
        "notes": ("val_loss is nan (epoch 1)",),
        "diagnoses": diagnoses or (diagnosis(),),
    }
    return Result(**{**whole, **changes})


def history(steps=29):
    return tuple(
        StepRecord(
            step=n,
            epoch=0,
            batch=n,
            loss=10.0 ** (n / 4),
            gradient_norm=1.0 + n % 5,
            weight_norm=10.0,
            learning_rate=0.1,
        )
        for n in range(1, steps + 1)
    )


def batch(rows=32):
    random = np.random.default_rng(0)
    return {
        "input[0]": random.uniform(size=(rows, 8, 8, 1)).astype(np.float32),
        "input[1]": random.uniform(size=(rows, 8, 8, 1)).astype(np.float32),
        "target[0]": random.integers(0, 2, size=(rows, 1)),
    }


def table(rows=32, columns=40):
    values = np.arange(rows * columns, dtype=np.float32).reshape(rows, columns)
    values[5, 37] = values[3, 20] = np.nan
    return {"input[0]": values, "target[0]": np.arange(rows)}


class Read(html.parser.HTMLParser):
    """What a browser would find in a page: its elements with their attributes, and their text."""

    VOID = ("meta", "link", "img", "br")

    def __init__(self, page):
        super().__init__()
        self.tags, self.attributes, self.text, self._open = set(), [], [], []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in self.VOID:
            self._open.append((tag, dict(attrs)))

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in self.VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag):
        while self._open and self._open.pop()[0] != tag:
            pass

    def handle_data(self, data):
        self.text.append((tuple(self._open), data))

    def words(self, *path):
        """The text inside elements: each part of the path is a tag, or `.class`."""
        found = [data for opened, data in self.text if _inside(opened, path)]
        return " ".join(" ".join(found).split())

    def each(self, part):
        """The text of every single element of a kind."""
        texts = {}
        for opened, data in self.text:
            for depth, element in enumerate(opened):
                if _matches(element, part):
                    texts.setdefault((depth, id(element[1])), []).append(data)
        return [" ".join("".join(t).split()) for t in texts.values()]


def _inside(opened, path):
    rest = iter(opened)
    return all(any(_matches(element, part) for element in rest) for part in path)


def _matches(element, part):
    tag, attributes = element
    return part[1:] in attributes.get("class", "").split() if part.startswith(".") else tag == part
