# The connector in an environment of its own on Airbyte's base image for Python connectors. Build it with `make image`.
ARG BASE_IMAGE=docker.io/airbyte/python-connector-base:4.1.0@sha256:1d1aa21d34e851df4e8a87b391c27724c06e2597608e7161f4d167be853bd7b6

FROM ${BASE_IMAGE} AS builder
USER root
WORKDIR /build
COPY locks/runtime.lock ./
RUN python3 -m venv --without-pip /connector \
    && python3 -m pip --python /connector/bin/python install --no-cache-dir --no-deps --require-hashes \
        -r runtime.lock
COPY pyproject.toml README.md LICENSE manifest.yaml ./
COPY schemas ./schemas
COPY source_invoices ./source_invoices
RUN python3 -m pip --python /connector/bin/python install --no-cache-dir --no-deps .

FROM ${BASE_IMAGE}
ARG VERSION
LABEL io.airbyte.name="airbyte/source-invoices" \
      io.airbyte.version="${VERSION}" \
      org.opencontainers.image.title="source-invoices" \
      org.opencontainers.image.description="Airbyte source that syncs invoices from IPXO, Nexudus and Payhubix" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}"
COPY --from=builder /connector /connector
# Nothing is written but to /tmp, so the root may be read-only.
ENV PATH="/connector/bin:${PATH}" PYTHONDONTWRITEBYTECODE=1 AIRBYTE_ENTRYPOINT="source-invoices"
WORKDIR /airbyte
USER airbyte
ENTRYPOINT ["source-invoices"]
