{#- A table, since many models read it: as a view the whole derivation from the events would run for each. -#}
{{ config(materialized='table') }}

with

incidents as (

    select * from {{ ref('int_current_incidents_derived') }}

),

counted_incidents as (

    select
        *,
        if(has_sla, our_acknowledged_time, null) as answered_time
    from incidents
    where {{ is_counted() }}

),

measured as (

    select
        *,
        timestamp_diff(detection_time, start_time, microsecond) as mttd_microseconds,
        timestamp_diff(answered_time, detection_time, microsecond) as mtta_microseconds,
        timestamp_diff(contained_time, detection_time, microsecond) as mttc_microseconds,
        timestamp_diff(resolution_time, detection_time, microsecond) - reopened_gap_microseconds as mttr_microseconds,
        -- Of several resolutions the last; one that is before the detection makes no other interval wrong.
        if(resolution_time >= detection_time, resolution_time, null) as credible_resolution_time
    from counted_incidents

),

final as (

    select
        * except (answered_time, credible_resolution_time),
        date(detection_time) as detection_date,
        array(
            select measure
            from
                unnest([
                    if(mttd_microseconds < 0, 'mttd', null),
                    if(mtta_microseconds < 0 or answered_time > credible_resolution_time, 'mtta', null),
                    if(mttc_microseconds < 0 or contained_time > credible_resolution_time, 'mttc', null),
                    if(mttr_microseconds < 0, 'mttr', null),
                    if(identified_time < detection_time, 'identified', null)
                ]) as measure with offset as position
            where measure is not null
            order by position
        ) as excluded_measures
    from measured

)

select * from final
