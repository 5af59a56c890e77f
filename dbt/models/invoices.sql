with facts as (

    select * from {{ ref('int_invoices__unioned') }}

    union all

    {#- What the providers no longer have, as it was last. #}
    select
        {{ fact_columns() | join(',\n        ') }}
    from {{ ref('invoice_history') }} as history
    where is_deleted
        and not exists (
            select 1 from {{ ref('int_invoices__unioned') }} as present
            where present.stream = history.stream and present.invoice_id = history.invoice_id
        )
        and not exists (
            select 1 from {{ ref('invoice_history') }} as later
            where later.stream = history.stream and later.invoice_id = history.invoice_id
                and later.version > history.version
        )

),

known as (

    {{ interpreted('facts') }}

),

versions as (

    select
        stream,
        invoice_id,
        version,
        seen_at,
        change,
        max(case when state not in {{ settled_states() }} then version else 0 end)
            over (partition by stream, invoice_id) as last_unsettled_version
    from {{ ref('invoice_changes') }}

),

seen as (

    select
        stream,
        invoice_id,
        min(seen_at) as first_seen_at,
        max(seen_at) as changed_at,
        {#- An invoice that was settled before the books began was settled at a time that nobody has seen. #}
        min(case when version > last_unsettled_version and change <> 'initial' then seen_at end) as settled_seen_at,
        max(case when version > last_unsettled_version and change = 'initial' then 1 else 0 end) as was_settled_before
    from versions
    group by stream, invoice_id

),

books as (

    select
        known.*,
        seen.first_seen_at,
        seen.changed_at,
        case when seen.was_settled_before = 0 then seen.settled_seen_at end as settled_seen_at,
        {{ as_of() }} as as_of
    from known
    left join seen
        on seen.stream = known.stream and seen.invoice_id = known.invoice_id

),

dated as (

    select
        books.*,
        case
            when open_amount = 0 then 0
            when due_at is not null
                then cast(greatest({{ day_of('as_of') }} - {{ day_of('due_at') }}, 0) as integer)
        end as days_overdue
    from books

)

select
    provider,
    stream,
    invoice_id,
    invoice_number,
    direction,
    counterparty_id,
    counterparty_name,
    currency,
    issued_at,
    due_at,
    paid_at,
    state,
    provider_status,
    subtotal_amount,
    discount_amount,
    tax_amount,
    fee_amount,
    total_amount,
    paid_amount,
    open_amount,
    days_overdue > 0 as is_overdue,
    days_overdue,
    first_seen_at,
    changed_at,
    settled_seen_at,
    url,
    is_deleted,
    may_repeat_in_billing,
    {{ month_of('issued_at') }} as issued_month,
    case when paid_amount <> 0 and state <> 'refunded'
        then {{ month_of('coalesce(paid_at, settled_seen_at)') }} end as paid_month,
    as_of
from dated
