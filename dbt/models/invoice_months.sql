select
    issued_month as month,
    direction,
    currency,
    state,
    count(*) as invoice_count,
    cast(sum(total_amount) as numeric(38, 9)) as total_amount,
    cast(sum(paid_amount) as numeric(38, 9)) as paid_amount,
    cast(sum(open_amount) as numeric(38, 9)) as open_amount,
    count(*) - count(total_amount) as unknown_total_count,
    count(*) - count(open_amount) as unknown_open_count
from {{ ref('invoices') }}
where not is_deleted
group by issued_month, direction, currency, state
