with aged as (

    select
        invoices.*,
        case when due_at is not null then 'due' when issued_at is not null then 'issued' end as ageing_basis,
        {{ day_of('as_of') }} - {{ day_of('coalesce(due_at, issued_at)') }} as ageing_days
    from {{ ref('invoices') }} as invoices
    where open_amount <> 0
        {#- Open by its status, with an amount that nobody tells. #}
        or (open_amount is null and state in ('open', 'partially_paid', 'disputed'))

)

select
    aged.*,
    case
        when ageing_days is null then 'no date'
        when ageing_basis = 'due' and ageing_days <= 0 then 'not due'
        when ageing_days <= 30 then '0 to 30 days'
        when ageing_days <= 60 then '31 to 60 days'
        when ageing_days <= 90 then '61 to 90 days'
        else 'over 90 days'
    end as ageing_bucket
from aged
