"""Where `benchmarks.useful` says that a search's time went."""

import pytest

from benchmarks.useful import shares_of


def test_the_parts_of_a_search_s_time_add_up_to_slots_times_wall_time():
    """Two slots: trial 0 trains 2 s, trial 1 two epochs of 3 s, trial 2 one of 4 s."""

    def epoch(trial, epoch, seconds):
        return {"event": "epoch", "trial": trial, "epoch": epoch, "seconds": seconds}

    events = [
        (4.5, {"event": "start", "trial": 0}),
        (4.5, {"event": "start", "trial": 1}),
        (7.0, epoch(0, 1, 2.0)),
        (7.0, {"event": "end", "trial": 0}),
        (7.0, {"event": "start", "trial": 2}),
        (9.0, epoch(1, 1, 3.0)),
        (11.5, epoch(2, 1, 4.0)),
        (11.5, {"event": "end", "trial": 2}),
        (13.0, epoch(1, 2, 3.0)),
        (13.0, {"event": "end", "trial": 1}),
    ]
    parts = shares_of(events, slots=2, wall=15.0)
    assert parts == pytest.approx(
        {
            "training and evaluating": 12.0,
            "until the first trials train": 5.0 + 6.0,
            "no trial left for a slot": 1.5,
            "after the last trial": 2 * 2.0,
            "between epochs and trials": 1.5,
        }
    )
