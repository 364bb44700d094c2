"""The class of a meeting: sources in their order, inheritance and where it stops; trials and their warnings."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.domain import trials
from hub.domain.classes import Class, Keys, Level, Marks, Part, Rule, classify
from hub.domain.model import NumberRange, Organisation, Template
from hub.domain.words import Field, Kind, Use
from hub.errors import ForbiddenError, InputError

NOW = datetime(2026, 11, 2, 12, tzinfo=UTC)
KEYS = Keys("vdx-class", "vdx-field")
PLAIN = Organisation(1, "ward", "Ward", Kind.ORGANISATION, 2)
ABOVE = Organisation(2, "north", "North", Kind.ORGANISATION, None, use=Use.CLINICAL, field=Field.HEALTH)
NONE = NumberRange(None, None)
TEMPLATE = Template(1, "ward", 22, "", "a", NONE, False, NONE, False, NONE, NOW, use=Use.CLINICAL)


def told(*levels: Level | Organisation, template: Template | None = None, **marks: object) -> Class:
    chain = [each if isinstance(each, Level) else Level(each) for each in levels]
    return classify(chain, template, Marks(**marks), KEYS)  # type: ignore[arg-type]  # by name, as tests give them


def test_nothing_said_is_administrative() -> None:
    assert told(PLAIN) == Class(Use.ADMINISTRATIVE, None)


def test_settings_come_from_above_until_they_are_stopped() -> None:
    assert told(PLAIN, ABOVE) == Class(Use.CLINICAL, Field.HEALTH)
    assert told(replace(PLAIN, field=Field.ELDERCARE), ABOVE) == Class(Use.CLINICAL, Field.ELDERCARE)
    assert told(replace(PLAIN, inherits=False), ABOVE) == Class()
    assert told(PLAIN, replace(PLAIN, inherits=False), ABOVE) == Class()


def test_a_template_counts_more_than_an_organisation() -> None:
    own = replace(PLAIN, use=Use.ADMINISTRATIVE)
    assert told(own, template=TEMPLATE).use is Use.CLINICAL


def test_patterns_count_more_than_a_template_and_the_nearest_comes_first() -> None:
    near = Level(PLAIN, (Rule(Part.LABEL, "Conference-*", Use.ADMINISTRATIVE, None),))
    far = Level(ABOVE, (Rule(Part.PROJECT_CODE, "psy*", Use.CLINICAL, Field.SOCIAL_PSYCHIATRY),))
    assert told(near, far, template=TEMPLATE, labels=("x", "CONFERENCE-7")).use is Use.ADMINISTRATIVE
    assert told(near, far, project_code="PSY-12").field is Field.SOCIAL_PSYCHIATRY
    both = told(near, far, labels=("conference-7",), project_code="psy")
    assert both == Class(Use.ADMINISTRATIVE, Field.SOCIAL_PSYCHIATRY)
    stopped = replace(near, organisation=replace(PLAIN, inherits=False))
    assert told(stopped, far, project_code="psy").field is None


def test_clients_name_it_only_where_they_may() -> None:
    said = (("vdx-class", "Clinical "), ("vdx-field", "eldercare"), ("other", "nonsense"))
    assert told(PLAIN, information=said) == Class()
    assert told(PLAIN, replace(ABOVE, may_set_use=True), information=said) == Class(Use.CLINICAL, Field.ELDERCARE)
    forbidden = replace(PLAIN, may_set_use=False)
    assert told(forbidden, replace(ABOVE, may_set_use=True), information=said).field is Field.HEALTH
    with pytest.raises(InputError, match="vdx-class: must be one of clinical"):
        told(replace(PLAIN, may_set_use=True), information=(("vdx-class", "urgent"),))


def test_on_trial_everything_is_a_trial() -> None:
    above = replace(ABOVE, trial_ends=NOW)
    assert told(PLAIN, above).use is Use.TRIAL
    assert told(replace(PLAIN, inherits=False), above).use is Use.TRIAL  # a trial is no setting


@given(st.text(max_size=30), st.text(max_size=60))
def test_a_pattern_is_text_but_for_its_stars(pattern: str, label: str) -> None:
    fits = Rule(Part.LABEL, pattern, Use.CLINICAL, None).fits
    plain = pattern.replace("*", "")
    assert fits(Marks((plain,))) or "*" not in pattern or plain != pattern
    assert fits(Marks((pattern.replace("*", label),)))
    if "*" not in pattern:
        assert fits(Marks((label,))) == (pattern.casefold() == label.casefold())


TRIAL = replace(PLAIN, trial_ends=NOW + timedelta(days=60), trial_most_meetings=5)


def test_warnings_come_once_each() -> None:
    trial, given_at = TRIAL, []
    for day in range(62):
        now = NOW + timedelta(days=day)
        days = trials.warning(trial, now)
        if days is not None:
            given_at.append((day, days))
            trial = replace(trial, trial_warned=days)
    assert given_at == [(30, 30), (53, 7), (59, 1), (60, 0)]
    assert trials.warning(TRIAL, NOW + timedelta(days=59, hours=1)) == 1  # of several only the last
    assert trials.warning(PLAIN, NOW) is None
    assert trials.days_left(TRIAL, NOW + timedelta(hours=1)) == 60
    assert trials.days_left(TRIAL, NOW + timedelta(days=99)) == 0


def test_a_trial_is_held_to_its_end_and_ceiling() -> None:
    trials.check(TRIAL, NOW + timedelta(days=59), NOW)
    trials.check_ceiling(TRIAL, 4)
    for start, now in ((60, 0), (0, 60)):
        with pytest.raises(ForbiddenError, match="trial of Ward"):
            trials.check(TRIAL, NOW + timedelta(days=start), NOW + timedelta(days=now))
    with pytest.raises(ForbiddenError, match="trial of Ward"):
        trials.check_ceiling(TRIAL, 5)
    assert trials.of([Level(PLAIN), Level(TRIAL), Level(replace(ABOVE, trial_ends=NOW))]) == TRIAL
