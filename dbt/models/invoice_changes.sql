with versions as (

    {% call interpreted(ref('invoice_history')) -%}
    told.version,
    told.seen_at
    {%- endcall %}

),

compared as (

    select
        versions.*,
        lag(state) over invoice as previous_state,
        lag(provider_status) over invoice as previous_provider_status,
        cast(lag(total_amount) over invoice as numeric(38, 9)) as previous_total_amount,
        cast(lag(paid_amount) over invoice as numeric(38, 9)) as previous_paid_amount,
        cast(lag(open_amount) over invoice as numeric(38, 9)) as previous_open_amount,
        lag(is_deleted) over invoice as was_deleted,
        lead(seen_at) over invoice as replaced_at,
        min(seen_at) over (partition by stream) as stream_seen_at
    from versions
    window invoice as (partition by stream, invoice_id order by version)

)

select
    provider,
    stream,
    invoice_id,
    version,
    case
        when is_deleted then 'deleted'
        when was_deleted then 'restored'
        when version > 1 then 'changed'
        when seen_at > stream_seen_at then 'new'
        else 'initial'
    end as change,
    seen_at,
    replaced_at,
    invoice_number,
    direction,
    counterparty_id,
    counterparty_name,
    currency,
    issued_at,
    due_at,
    paid_at,
    previous_state,
    state,
    previous_provider_status,
    provider_status,
    subtotal_amount,
    discount_amount,
    tax_amount,
    fee_amount,
    previous_total_amount,
    total_amount,
    previous_paid_amount,
    paid_amount,
    previous_open_amount,
    open_amount,
    url,
    is_deleted,
    may_repeat_in_billing
from compared
