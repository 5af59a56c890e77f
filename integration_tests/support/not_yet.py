"""The tests that the connector does not pass yet, and what it does instead.

A line names a test, the parameters with which it fails (wildcards, all of them by default) and what happens. A test
that passes must leave this list: its mark is strict.
"""

from fnmatch import fnmatchcase
from typing import NamedTuple


class Failure(NamedTuple):
    """What the connector does instead, and with which parameters of the test."""

    instead: str
    only: tuple[str, ...] = ("*",)


NOT_YET = {
    # test_counted_rows
    "test_pairs_of_one_time_on_every_page_boundary_are_not_lost_in_silence": Failure(
        "COMPLETE with rows missing: distinct keys are not counted",
        ("ipxo_ecommerce_invoices-*", "payhubix_invoices-*"),
    ),
    "test_undated_rows_in_no_settled_order_are_not_lost_in_silence": Failure(
        "COMPLETE with rows missing: distinct keys are not counted", ("nexudus_payout_invoices",)
    ),
    "test_two_servers_one_row_apart_fail_no_list": Failure("INCOMPLETE: the number of invoices has fallen 100 times"),
    "test_a_page_with_one_row_twice_in_place_of_another_is_not_believed": Failure(
        "COMPLETE with one row missing: distinct keys are not counted",
        ("payhubix_invoices-3-None", "payhubix_invoices-5-None"),
    ),
    "test_a_bare_list_that_ignores_the_page_is_not_taken_for_the_whole": Failure(
        "COMPLETE with 100 of 250 rows: a repeated page is the end"
    ),
    # test_nothing_is_no_answer
    "test_a_detail_that_is_not_found_while_it_is_listed_is_said": Failure("said as INFO only"),
    "test_the_payment_of_an_invoice_that_look_ups_never_find_arrives": Failure(
        "the key is forgotten, the payment never arrives", ("ipxo_ecommerce_invoices-404", "ipxo_payout_invoices-404")
    ),
    "test_a_deleted_open_invoice_does_not_hide_a_back_dated_one": Failure(
        "the number of older rows is unchanged: the back-dated invoice never arrives",
        ("ipxo_invoices", "payhubix_invoices"),
    ),
    "test_open_invoices_that_are_gone_are_named_in_one_warning": Failure("no warning"),
    "test_rows_of_nexudus_without_an_updated_time_arrive_in_both_modes": Failure(
        "COMPLETE without these rows: every window has a bound"
    ),
    "test_a_row_of_nexudus_without_an_updated_time_that_is_new_arrives": Failure(
        "COMPLETE without this row: every window has a bound"
    ),
    # test_state_identity
    "test_another_account_behind_the_same_source_is_read_whole": Failure(
        "COMPLETE with a few rows: the state goes on", ("nexudus_payout_invoices",)
    ),
    "test_another_account_with_more_rows_is_read_whole": Failure(
        "COMPLETE with a few rows: the state goes on", ("nexudus_payout_invoices",)
    ),
    "test_a_changed_filter_of_nexudus_reads_history_again": Failure("COMPLETE with a few rows: the state goes on"),
    "test_an_earlier_start_date_or_none_reads_history_again": Failure(
        "COMPLETE with a few rows: the state goes on", ("nexudus_payout_invoices-*",)
    ),
    "test_a_closed_window_of_nexudus_that_came_back_empty_is_noticed": Failure(
        "COMPLETE, and the window is never read again"
    ),
    "test_rows_of_nexudus_imported_with_an_old_updated_time_arrive": Failure("COMPLETE without these rows"),
    "test_an_open_invoice_that_leaves_a_filter_arrives_or_is_named": Failure("neither arrives nor is named"),
    "test_the_updated_time_of_an_invoice_never_falls": Failure("updated_at falls by days"),
    "test_a_primary_key_that_is_no_key_fails_the_page": Failure("taken for a key, or a bare TypeError"),
    "test_a_listed_uuid_leads_to_no_other_path": Failure("asked for as it is"),
    "test_an_open_key_in_a_state_leads_to_no_other_path": Failure("asked for as it is"),
    # test_full_read_days
    "test_everything_is_read_again_once_the_last_whole_reading_is_too_old": Failure(
        "there is no such setting", ("nexudus_payout_invoices-*-*-True",)
    ),
    "test_a_quiet_sync_does_not_make_the_last_whole_reading_younger": Failure(
        "there is no such setting", ("nexudus_payout_invoices",)
    ),
    "test_one_deleted_and_one_back_dated_are_seen_by_the_next_whole_reading": Failure(
        "there is no such setting", ("nexudus_payout_invoices",)
    ),
    "test_invoices_of_payhubix_that_stay_open_for_ever_make_no_sync_long": Failure(
        "the list is read down to the open invoice"
    ),
    # test_facts_as_they_come
    "test_digits_as_text_are_numbers_in_the_envelope": Failure(
        "INCOMPLETE: not a number that pages can be counted with"
    ),
    "test_digits_as_text_are_a_unix_time": Failure("INCOMPLETE: the time cannot be read"),
    "test_an_unreadable_time_elsewhere_leaves_as_null_and_is_said_once": Failure(
        "INCOMPLETE: the time cannot be read; a date_due leaves as it is"
    ),
    "test_what_is_no_text_where_a_time_should_be_leaves_as_null": Failure("INCOMPLETE: the time cannot be read"),
    "test_a_date_alone_is_midnight_utc": Failure("INCOMPLETE: the time cannot be read"),
    "test_an_empty_text_for_a_time_is_null": Failure("leaves as an empty text"),
    "test_a_number_that_a_double_cannot_hold_is_no_null": Failure("COMPLETE, and leaves as null"),
    "test_numbers_leave_with_the_value_that_they_came_with": Failure(
        "99999999999999.99 leaves as 99999999999999.98", ("*-17 digits",)
    ),
    "test_a_decimal_with_more_digits_than_a_double_holds_is_said_once": Failure("rounded without a word"),
    "test_a_field_that_the_schema_does_not_name_is_said_once": Failure("no warning"),
    "test_a_field_of_another_type_than_the_schema_says_is_said_once": Failure("no warning"),
    "test_a_list_whose_dates_are_all_in_year_1_is_read": Failure(
        "a bare OverflowError",
        ("ipxo_ecommerce_invoices-*", "ipxo_invoices-*", "ipxo_payout_invoices-*", "payhubix_invoices-*"),
    ),
    "test_a_state_of_another_kind_ends_in_no_bare_error": Failure(
        "a bare error of the CDK", ('?{"type": "GLOBAL", "global": ',)
    ),
    "test_a_state_of_another_type_prints_no_traceback": Failure("a traceback of the CDK", ("GLOBAL",)),
    # test_receipt
    "test_a_complete_stream_ends_with_one_receipt": Failure("no such line"),
    "test_the_receipt_of_a_quiet_sync_says_since_when_it_has_read": Failure("no such line"),
    "test_the_receipt_of_an_empty_list_says_so": Failure("no such line"),
    "test_an_incomplete_stream_ends_with_the_same_figures": Failure("no such figures"),
    "test_each_stream_of_a_sync_has_its_receipt": Failure("no such line"),
}


def reason(name: str) -> str | None:
    """What the connector does instead of what this test asks for; None for a test that it passes."""
    test, _, parameters = name.partition("[")
    failure = NOT_YET.get(test)
    if failure is None or not any(fnmatchcase(parameters.removesuffix("]"), pattern) for pattern in failure.only):
        return None
    return failure.instead
