"""A share of the hostile inputs in every test run; ``python -m tests.hostile`` reads very many."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from tests.hostile.targets import TARGETS, Target
from tests.hostile.watch import Breach, watched

_INPUTS = {"results_bytes": 60, "results_values": 100, "replies": 150}


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.__name__)
def test_every_input_is_a_value_or_one_line_of_error(target: Target, tmp_path: Path) -> None:
    chance = random.Random("every run")
    with watched(tmp_path):
        for _ in range(_INPUTS.get(target.__name__, 300)):
            target(chance, tmp_path)


def test_the_watch_sees_what_it_is_for(tmp_path: Path) -> None:
    def outside() -> None:
        (tmp_path.parent / "outside").write_text("x")

    breaches = (
        outside,
        lambda: os.system("true"),
        lambda: subprocess.run([sys.executable, "-V"], check=False),
        lambda: (tmp_path.parent / "folder").mkdir(),
    )
    for breach in breaches:
        with pytest.raises(Breach), watched(tmp_path):
            breach()
    with watched(tmp_path):
        (tmp_path / "inside").write_text("x")
    outside()
