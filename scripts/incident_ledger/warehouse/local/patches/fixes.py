"""The fixes in their order."""

from collections.abc import Callable

from incident_ledger.warehouse.local.patches import (
    dml,
    engine,
    functions,
    jobs,
    kept,
    loads,
    nested_views,
    operators,
    outside,
    sql,
    tables_api,
    views,
)

FIXES: tuple[Callable[[], None], ...] = (
    engine.bundled_extensions,
    engine.no_top_n_window_elimination,
    engine.no_copy_at_every_write,
    engine.one_thread,
    engine.rest_alone,
    engine.bounded_results,
    engine.jobs_in_memory,
    engine.errors_keep_the_connection,
    jobs.failed_query_is_an_error,
    jobs.missing_datasets_are_named,
    jobs.repeated_job_id_is_refused,
    jobs.columns_without_a_name_are_numbered,
    jobs.dry_run_executes_nothing,
    loads.any_media_type,
    loads.uploads_keep_their_job_id,
    loads.parquet_by_name,
    loads.json_lines_are_checked,
    loads.csv_skips_its_leading_rows,
    functions.functions_as_google_computes_them,
    operators.operators_as_google_computes_them,
    outside.closed_database,
    outside.only_googlesql,
    outside.no_files_by_address,
    outside.uploads_are_read_apart,
    loads.all_or_nothing,  # around the others: what they refuse is undone
    tables_api.added_columns_arrive,
    tables_api.sums_of_integers_are_integers,
    tables_api.labels_are_listed,
    tables_api.views_have_their_queries,
    tables_api.changes_are_dated,
    tables_api.record_fields_are_quoted,
    views.views_are_read_as_views,
    views.views_can_be_deleted,
    views.views_have_no_constraints,
    nested_views.views_are_bound_once,
    dml.one_source_row_for_a_target_row,
    sql.contract_tables,
    sql.numeric_keeps_nine_decimals,
    sql.div_keeps_its_parentheses,
    sql.timestamp_diff_counts_whole_units,
    sql.wildcards_by_all_conditions_and_by_name,
    sql.select_star_keeps_records,
    sql.parameters_not_inside_literals,
    sql.decimals_not_inside_comments_or_texts,
    sql.descriptions_hold_parentheses,
    sql.default_dataset_keeps_the_text,
    sql.statements_are_parsed_once,
    sql.copies_of_trees_share_their_notes,
    kept.translations_are_kept,
    kept.answers_are_kept,
)


def apply(memory: str) -> None:
    """Fix everything, once a process and before the server starts. `memory` is DuckDB's limit, such as `2GB`."""
    engine.bounded_memory(memory)
    for fix in FIXES:
        fix()
