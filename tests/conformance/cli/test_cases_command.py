"""``conformance cases``: ids one a line, coverage tables, JSON."""

import json

import pytest

from conformance.cases.design.coverage import coverage
from conformance.cases.peers import load_peers
from conformance.cases.tiers import TIERS, load_tier, tier_hash
from conformance.cli import main


def run(*arguments):
    """The exit code of a command line."""
    with pytest.raises(SystemExit) as stop:
        main(list(arguments))
    return stop.value.code


@pytest.mark.parametrize("tier", TIERS)
def test_ids_one_a_line(tier, capsys):
    assert not run("cases", "--tier", tier)
    assert capsys.readouterr().out.splitlines() == [str(case) for case in load_tier(tier)]


def test_json_names_the_set(capsys):
    assert not run("cases", "--tier", "smoke", "--json")
    found = json.loads(capsys.readouterr().out)
    assert found["hash"] == tier_hash(load_tier("smoke"))
    assert len(found["cases"]) == len(load_tier("smoke"))


def test_stats_count_coverage(capsys):
    assert not run("cases", "--tier", "gate", "--stats", "--json")
    tier = json.loads(capsys.readouterr().out)["tiers"]["gate"]
    three = tier["coverage"]["whole"]["3"]
    assert three["covered"] == three["required"] > 5000
    assert tier["coverage"]["whole"]["4"]["covered"] < tier["coverage"]["whole"]["4"]["required"]
    assert sum(tier["classes"]["rank"].values()) == tier["cases"]
    assert min(tier["boundaries"].values()) > 0


def test_stats_count_the_lists_of_others_in_the_same_way(capsys):
    assert not run("cases", "--tier", "smoke", "--stats", "--json")
    found = json.loads(capsys.readouterr().out)
    smoke = found["tiers"]["smoke"]["coverage"]["whole"]
    for peer in load_peers().values():
        counted = found["peers"][peer.name]["coverage"]["whole"]["2"]
        assert counted["required"] == smoke["2"]["required"]
        assert counted["covered"] == coverage(peer.cases, 2).covered < smoke["2"]["covered"]


def test_stats_table(capsys):
    assert not run("cases", "--tier", "smoke", "--stats")
    printed = capsys.readouterr().out
    assert tier_hash(load_tier("smoke")) in printed
    assert "100 %" in printed
    assert all(f"{peer.name}: {len(peer.cases)} cases" in printed for peer in load_peers().values())


def test_unknown_tier_is_one_line(capsys):
    assert run("cases", "--tier", "nightly") == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
