"""Airbyte source that syncs invoices from IPXO, Nexudus and Payhubix."""
