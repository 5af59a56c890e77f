{#
  What the books assume. No provider says who owes whom, and each has words of its own for a status. The variables
  `directions` and `states` change single entries.
#}

{% macro directions() %}
  {% set assumed = {
    'ipxo_payout_invoices': 'receivable',
    'ipxo_invoices': 'payable',
    'ipxo_ecommerce_invoices': 'payable',
    'nexudus_payout_invoices': 'receivable',
    'payhubix_invoices': 'receivable',
  } %}
  {% do assumed.update(var('directions', {})) %}
  {{ return(assumed) }}
{% endmacro %}


{# What each status means. Any other one is unknown, and so is an invoice without a status. #}
{% macro states() %}
  {% set assumed = {
    'ipxo_payout_invoices': {'unpaid': 'open', 'paid': 'paid'},
    'ipxo_invoices': {
      'draft': 'draft', 'unpaid': 'open', 'disputed': 'disputed',
      'paid': 'paid', 'cancelled': 'void', 'refunded': 'refunded',
    },
    'ipxo_ecommerce_invoices': {
      'draft': 'draft', 'sent': 'open', 'unpaid': 'open',
      'paid': 'paid', 'written_off': 'void', 'refunded': 'refunded',
    },
    'nexudus_payout_invoices': {},
    'payhubix_invoices': {
      'Created': 'open', 'Pending': 'open', 'Partially': 'partially_paid',
      'Paid': 'paid', 'Canceled': 'void', 'Expired': 'void', 'PartiallyExpired': 'void',
    },
  } %}
  {% for stream, words in var('states', {}).items() %}
    {% do assumed[stream].update(words) %}
  {% endfor %}
  {{ return(assumed) }}
{% endmacro %}


{# In these states nothing more is to be paid. #}
{% macro settled_states() -%}
  ('paid', 'void', 'refunded')
{%- endmacro %}


{# SQL that looks a value up in {stream: value}. #}
{% macro by_stream(values) -%}
  case stream
  {%- for stream, value in values.items() %}
      when '{{ stream }}' then {{ value }}
  {%- endfor %}
    end
{%- endmacro %}

{% macro direction_of_stream() -%}
  {%- set literals = {} -%}
  {%- for stream, direction in source_invoices.directions().items() -%}
    {%- do literals.update({stream: "'" ~ direction ~ "'"}) -%}
  {%- endfor -%}
  {{ source_invoices.by_stream(literals) }}
{%- endmacro %}

{% macro state_of_status() -%}
  {%- set cases = {} -%}
  {%- for stream, words in source_invoices.states().items() if words -%}
    {%- set arms = [] -%}
    {%- for status, state in words.items() -%}
      {%- do arms.append("when '" ~ status ~ "' then '" ~ state ~ "'") -%}
    {%- endfor -%}
    {%- do cases.update({stream: 'case provider_status ' ~ arms | join(' ') ~ ' end'}) -%}
  {%- endfor -%}
  coalesce({{ source_invoices.by_stream(cases) }}, 'unknown')
{%- endmacro %}


{#
  What the facts in `relation` mean for the books, as one query. It is applied to what the providers say now and to each
  earlier version alike, so a changed setting holds for both and is never taken for a change of an invoice.
#}
{% macro interpreted(relation) %}
select
    told.provider,
    told.stream,
    told.invoice_id,
    told.invoice_number,
    told.direction,
    told.counterparty_id,
    told.counterparty_name,
    told.currency,
    told.issued_at,
    told.due_at,
    told.paid_at,
    case when told.state = 'open' and told.paid_amount <> 0 and told.left_amount <> 0 then 'partially_paid'
        else told.state end as state,
    told.provider_status,
    told.subtotal_amount,
    told.discount_amount,
    told.tax_amount,
    told.fee_amount,
    told.total_amount,
    cast(
        case
            when told.paid_amount is not null then told.paid_amount
            when told.state = 'paid' then told.total_amount
            when told.state in ('open', 'draft') then 0
        end as numeric(38, 9)
    ) as paid_amount,
    cast(
        case
            when told.is_deleted or told.state = 'draft' or told.state in {{ source_invoices.settled_states() }} then 0
            when told.left_amount is not null then told.left_amount
            when told.provider_status is not null then told.total_amount
        end as numeric(38, 9)
    ) as open_amount,
    told.url,
    told.is_deleted,
    told.stream = 'ipxo_ecommerce_invoices' as may_repeat_in_billing
    {%- if caller is defined %},
    {{ caller() }}
    {%- endif %}
from (
    select
        facts.*,
        {{ source_invoices.direction_of_stream() }} as direction,
        {{ source_invoices.state_of_status() }} as state,
        coalesce(provider_currency,
            case when provider = 'ipxo' then {{ source_invoices.setting('ipxo_currency') }} end) as currency
    from {{ relation }} as facts
    {%- if not var('include_ecommerce', true) %}
    where stream <> 'ipxo_ecommerce_invoices'
    {%- endif %}
) as told
{% endmacro %}


{# The columns of each staging model that say what a provider tells of an invoice. #}
{% macro fact_columns() %}
  {{ return([
    'provider', 'stream', 'invoice_id', 'invoice_number', 'counterparty_id', 'counterparty_name', 'provider_currency',
    'issued_at', 'due_at', 'paid_at', 'provider_status', 'subtotal_amount', 'discount_amount', 'tax_amount', 'fee_amount',
    'total_amount', 'paid_amount', 'left_amount', 'url', 'is_deleted', 'content_hash',
  ]) }}
{% endmacro %}
