select stream, invoice_id, state, open_amount
from {{ ref('invoices') }}
where open_amount <> 0
    and (is_deleted or state = 'draft' or state in {{ settled_states() }})
