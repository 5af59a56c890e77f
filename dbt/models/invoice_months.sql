select
    issued_month as month,
    direction,
    currency,
    state,
    count(*) as invoice_count,
    sum(total_amount) as total_amount,
    sum(paid_amount) as paid_amount,
    sum(open_amount) as open_amount,
    count(*) - count(total_amount) as unknown_total_count,
    count(*) - count(open_amount) as unknown_open_count
from {{ ref('invoices') }}
where not is_deleted
group by issued_month, direction, currency, state
