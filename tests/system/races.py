"""Scenarios of what crosses, is lost, forks and comes early: each transport has them run over its own crossing."""

from __future__ import annotations

from tests.system.calls.test_misbehaviour import (
    test_a_bye_crosses_the_200_of_a_change,
    test_a_bye_of_no_call_is_answered,
    test_a_bye_of_the_callee_follows_its_200_at_once,
    test_a_bye_of_the_caller_crosses_the_200,
    test_a_cancel_that_crosses_the_200_leaves_nobody_in_a_call,
    test_a_description_of_sixty_kilobytes,
    test_a_fork_rings_twice_and_one_answers,
    test_a_lost_200_is_sent_again_until_it_is_acknowledged,
    test_a_reader_that_never_reads_stalls_nobody,
    test_a_repeated_invite_makes_one_call,
    test_crossing_byes_end_the_call_once,
    test_offers_that_cross_are_one_after_the_other,
)
from tests.system.calls.test_seeing import test_a_foreign_reader_gets_every_message
from tests.system.methods.test_early import (
    test_an_early_answer_is_confirmed_on_both_sides,
    test_another_fork_answers_than_the_one_that_was_confirmed,
    test_the_session_changes_before_the_answer,
    test_two_updates_at_once,
)
from tests.system.methods.test_timers import test_too_short_a_session_is_refused
from tests.system.methods.test_transfers import (
    test_a_blind_transfer,
    test_a_refer_outside_a_call,
    test_a_replaces_that_fits_no_dialog,
    test_a_transfer_to_somebody_who_is_busy,
    test_an_attended_transfer,
    test_an_invite_takes_the_place_of_its_own_peer,
)

__all__ = [
    "test_a_blind_transfer",
    "test_a_bye_crosses_the_200_of_a_change",
    "test_a_bye_of_no_call_is_answered",
    "test_a_bye_of_the_callee_follows_its_200_at_once",
    "test_a_bye_of_the_caller_crosses_the_200",
    "test_a_cancel_that_crosses_the_200_leaves_nobody_in_a_call",
    "test_a_description_of_sixty_kilobytes",
    "test_a_foreign_reader_gets_every_message",
    "test_a_fork_rings_twice_and_one_answers",
    "test_a_lost_200_is_sent_again_until_it_is_acknowledged",
    "test_a_reader_that_never_reads_stalls_nobody",
    "test_a_refer_outside_a_call",
    "test_a_repeated_invite_makes_one_call",
    "test_a_replaces_that_fits_no_dialog",
    "test_a_transfer_to_somebody_who_is_busy",
    "test_an_attended_transfer",
    "test_an_early_answer_is_confirmed_on_both_sides",
    "test_an_invite_takes_the_place_of_its_own_peer",
    "test_another_fork_answers_than_the_one_that_was_confirmed",
    "test_crossing_byes_end_the_call_once",
    "test_offers_that_cross_are_one_after_the_other",
    "test_the_session_changes_before_the_answer",
    "test_too_short_a_session_is_refused",
    "test_two_updates_at_once",
]
