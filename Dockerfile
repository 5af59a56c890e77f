# The connector in its own environment, on Airbyte's base image for Python connectors. `make image` builds it.
FROM docker.io/airbyte/python-connector-base:4.1.0@sha256:1d1aa21d34e851df4e8a87b391c27724c06e2597608e7161f4d167be853bd7b6 AS base

FROM base AS builder
USER root
WORKDIR /build
COPY locks/runtime.txt ./
RUN python3 -m venv --without-pip /connector \
    && python3 -m pip --python /connector/bin/python install --no-cache-dir --no-deps --require-hashes \
        -r runtime.txt
# The build tool has an environment of its own, which stays behind.
COPY locks/build.txt ./
RUN python3 -m venv --without-pip /tools \
    && python3 -m pip --python /tools/bin/python install --no-cache-dir --no-deps --require-hashes -r build.txt
COPY pyproject.toml README.md LICENSE manifest.yaml ./
COPY schemas ./schemas
COPY source_invoices ./source_invoices
RUN python3 -m pip --python /tools/bin/python wheel --no-deps --no-build-isolation --wheel-dir dist . \
    && python3 -m pip --python /connector/bin/python install --no-cache-dir --no-deps dist/*.whl

FROM base
ARG VERSION
LABEL io.airbyte.name="airbyte/source-invoices" \
      io.airbyte.version="${VERSION}" \
      org.opencontainers.image.title="source-invoices" \
      org.opencontainers.image.description="Airbyte source that syncs invoices from IPXO, Nexudus and Payhubix" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}"
COPY --from=builder /connector /connector
# The connector only writes to /tmp, so the root can be read-only.
ENV PATH="/connector/bin:${PATH}" PYTHONDONTWRITEBYTECODE=1 AIRBYTE_ENTRYPOINT="source-invoices"
WORKDIR /airbyte
USER airbyte
ENTRYPOINT ["source-invoices"]
