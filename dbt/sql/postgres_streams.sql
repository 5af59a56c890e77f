-- The books in PostgreSQL, from the tables of dlt.
-- Empty tables for the streams that are not synced, to be made in the schema of the loader. Tables that are there stay.

create table if not exists ipxo_ecommerce_invoices (
    "uuid" varchar,
    "reference" varchar,
    "status" varchar,
    "placed_at" timestamptz,
    "sub_total" jsonb,
    "discount_total" jsonb,
    "tax_total" jsonb,
    "credits_total" jsonb,
    "total" jsonb,
    "total_before_tax" jsonb,
    "invoicable_id" varchar,
    "invoicable_type" varchar,
    "_airbyte_extracted_at" timestamptz,
    "_place" bigint,
    "_dlt_load_id" varchar,
    "_dlt_id" varchar
);

create table if not exists ipxo_invoices (
    "uuid" varchar,
    "tenant_uuid" varchar,
    "invoice_number" varchar,
    "date" bigint,
    "date_due" bigint,
    "date_paid" bigint,
    "subtotal" numeric(38, 9),
    "subtotal_with_taxes" numeric(38, 9),
    "total" numeric(38, 9),
    "total_left_to_pay" numeric(38, 9),
    "total_paid" numeric(38, 9),
    "total_tax" numeric(38, 9),
    "status" varchar,
    "items_count" bigint,
    "items" jsonb,
    "taxes" jsonb,
    "transactions" jsonb,
    "updated_at" timestamptz,
    "_airbyte_extracted_at" timestamptz,
    "_place" bigint,
    "_dlt_load_id" varchar,
    "_dlt_id" varchar
);

create table if not exists ipxo_payout_invoices (
    "uuid" varchar,
    "invoice_number" varchar,
    "tenant_uuid" varchar,
    "total" numeric(38, 9),
    "fees" numeric(38, 9),
    "status" varchar,
    "date" bigint,
    "date_paid" bigint,
    "payment_confirmation_uuid" varchar,
    "items" jsonb,
    "updated_at" timestamptz,
    "_airbyte_extracted_at" timestamptz,
    "_place" bigint,
    "_dlt_load_id" varchar,
    "_dlt_id" varchar
);

create table if not exists nexudus_payout_invoices (
    "invoice_id" bigint,
    "invoice_invoice_number" varchar,
    "invoice_reseller_amount" numeric(38, 9),
    "invoice_created_on" timestamptz,
    "invoice_currency_code" varchar,
    "invoice_business_id" bigint,
    "invoice_business_name" varchar,
    "reseller_payout_id" bigint,
    "amount" numeric(38, 9),
    "id" bigint,
    "updated_on" timestamptz,
    "created_on" timestamptz,
    "unique_id" varchar,
    "updated_by" varchar,
    "is_new" boolean,
    "system_id" varchar,
    "to_string_text" varchar,
    "localization_details" varchar,
    "custom_fields" varchar,
    "_airbyte_extracted_at" timestamptz,
    "_place" bigint,
    "_dlt_load_id" varchar,
    "_dlt_id" varchar
);

create table if not exists payhubix_invoices (
    "link" varchar,
    "status" varchar,
    "transfer_fee_by" varchar,
    "service_fee_by" varchar,
    "currency_amount" numeric(38, 9),
    "remaining_currency_amount" numeric(38, 9),
    "currency_symbol" varchar,
    "currency_sign" varchar,
    "order_id" varchar,
    "shop" jsonb,
    "invoice_url" varchar,
    "created_at" timestamptz,
    "_airbyte_extracted_at" timestamptz,
    "_place" bigint,
    "_dlt_load_id" varchar,
    "_dlt_id" varchar
);
